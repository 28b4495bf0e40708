"""What a load would change, in the words that a person reads."""

import random
from datetime import date
from typing import Any

from schemas.reference.agency import Agency
from schemas.reference.changes import agency_changes, digest, official_changes, procedure_changes, summary
from schemas.reference.official import Official
from schemas.reference.procedure import FeeLine, ProcedureVersion
from tests.schemas.reference.agencies import agency

END, NEXT = date(2025, 6, 30), date(2025, 7, 1)
OLD = [agency("H26", level="province", name="Hà Nội"), agency("BD", "H26", level="district"), agency("P1", "BD")]


def changed(before: list[Agency], after: list[Agency]) -> list[str]:
    return [str(change) for change in agency_changes(before, after)]


def test_a_merger_in_words() -> None:
    after = [
        OLD[0],
        agency("BD", "H26", level="district", to=END, successors=["W1", "W2"]),
        agency("P1", "BD", to=END, successors=["W1"]),
        agency("W1", "H26", since=NEXT, name="Phường Ba Đình"),
        agency("W2", "H26", since=NEXT, name="Phường Ngọc Hà"),
    ]
    changes = agency_changes(OLD, after)
    assert [str(change) for change in changes] == [
        "BD: merged into W1 and W2 from 2025-07-01",
        "P1: merged into W1 from 2025-07-01",
        "W1: added: 'Phường Ba Đình', commune under H26 from 2025-07-01",
        "W2: added: 'Phường Ngọc Hà', commune under H26 from 2025-07-01",
    ]
    assert summary(changes) == "2 added, 2 merged"
    # Restoring the older load says the opposite.
    assert changed(after, OLD) == [
        "BD: restored from 2025-07-01",
        "P1: restored from 2025-07-01",
        "W1: removed: 'Phường Ba Đình', commune under H26",
        "W2: removed: 'Phường Ngọc Hà', commune under H26",
    ]


def test_a_new_version_and_a_correction_of_the_past() -> None:
    later = [agency("P1", "BD", to=END), agency("P1", "H26", since=NEXT, name="Phường mới", aliases=["p-1"])]
    assert changed(OLD, [*OLD[:2], *later]) == [
        "P1: renamed from 'UBND P1' to 'Phường mới' from 2025-07-01",
        "P1: moved from under BD to under H26 from 2025-07-01",
        "P1: alias 'p-1' added",
    ]
    corrected = [agency("P1", to=END, level="branch"), later[1]]
    assert changed([*OLD[:2], *later], [*OLD[:2], *corrected]) == [
        "P1: moved from under BD to the root until 2025-06-30",
        "P1: level changed from 'commune' to 'branch' until 2025-06-30",
    ]


def test_an_end_that_is_set_moved_or_succeeded() -> None:
    ended, later = agency("P1", "BD", to=END), agency("P1", "BD", to=date(2025, 12, 31))
    assert changed(OLD, [*OLD[:2], ended]) == ["P1: ended on 2025-06-30"]
    assert changed([ended], [later]) == ["P1: now valid from 2025-07-01 until 2025-12-31"]
    assert changed([later], [ended]) == ["P1: no longer valid from 2025-07-01 until 2025-12-31"]
    assert changed([ended], [agency("P1", "BD", to=END, successors=["W"])]) == ["P1: successor 'W' added"]


def test_english_names_groups_and_names_with_line_ends() -> None:
    before = [Agency(code="A", name_vi="a\nb", name_en="x", level="centre", group="g")]
    after = [Agency(code="A", name_vi="a'b", name_en="y", level="centre", group="h")]
    assert changed(before, after) == [
        r"A: renamed from 'a\nb' to 'a'b'",
        "A: renamed in English from 'x' to 'y'",
        "A: group changed from 'g' to 'h'",
    ]


def test_the_same_content_changes_nothing_in_whatever_order() -> None:
    shuffled = random.Random(7).sample(OLD, 3)
    assert changed(OLD, shuffled) == []
    assert summary([]) == "nothing changed"
    assert digest(OLD) == digest(shuffled) != digest(OLD[:2])
    assert digest([]) != digest(OLD)


def version(**fields: Any) -> ProcedureVersion:
    return ProcedureVersion(code="1.0", name_vi="Thủ tục", service_level="partial", **fields)


def test_procedures_in_words() -> None:
    before = [version(term=15, unit="working days", fees=(FeeLine("Lệ phí", 75_000),), levels=("district",))]
    after = [
        version(term=15, unit="working days", fees=before[0].fees, levels=("district",), valid_to=END),
        version(channel="direct", term=15, unit="working days", fees=before[0].fees, valid_from=NEXT),
        version(channel="postal", term=15, unit="working days", fees=before[0].fees, valid_from=NEXT),
        version(
            channel="online", term=80, unit="working hours", valid_from=NEXT, electronic_result=True,
            fees=(FeeLine("Lệ phí", 0, valid_to=date(2025, 12, 31)), FeeLine("Lệ phí", 37_500, date(2026, 1, 1))),
            components_reusable=("Giấy A",),
        ),
    ]  # fmt: skip
    changes = procedure_changes(before, after)
    assert [str(change) for change in changes] == [
        "1.0: level changed from 'district' to '' from 2025-07-01",
        "1.0: online: term changed from '15 working days' to '80 working hours' from 2025-07-01",
        "1.0: online: fees changed from 'Lệ phí=75000' to 'Lệ phí=0 until 2025-12-31 | Lệ phí=37500 from 2026-01-01'"
        " from 2025-07-01",
        "1.0: online: electronic result changed from 'not required' to 'required' from 2025-07-01",
        "1.0: online: re-usable components changed from '' to 'Giấy A' from 2025-07-01",
    ]
    assert summary(changes) == "1 with another term, 1 with other fees, 1 changed"


def test_procedures_that_come_and_go() -> None:
    other = ProcedureVersion(code="2.0", name_vi="Khác", service_level="4")
    assert [str(change) for change in procedure_changes([version()], [other, version(channel="direct")])] == [
        "1.0: online and postal: ended",
        "2.0: added: 'Khác'",
    ]
    assert [str(change) for change in procedure_changes([other, version()], [version(valid_to=END)])] == [
        "1.0: ended on 2025-06-30",
        "2.0: removed: 'Khác'",
    ]


def test_a_service_level_in_words() -> None:
    before = ProcedureVersion(code="2.0", name_vi="Khác", service_level="4")
    after = ProcedureVersion(code="2.0", name_vi="Khác", service_level="full")
    assert [change.text for change in procedure_changes([before], [after])] == [
        "service level changed from '4' to 'full'"
    ]


def test_changes_of_officials_hold_no_name() -> None:
    before = [Official(code="a", unit="U", name="Nguyễn Thị Mẫu"), Official(code="b", unit="U", name="Trần Văn Thử")]
    after = [Official(code="a", unit="V", name="Nguyễn Thị Mẫu Mới"), Official(code="c", unit="U", name="Lê Thị Ví Dụ")]
    changes = official_changes(before, after)
    assert [str(change) for change in changes] == [
        "a: moved from unit 'U' to 'V'",
        "a: name changed",
        "b: removed: unit 'U'",
        "c: added: unit 'U'",
    ]
    assert summary(changes) == "1 added, 1 removed, 1 moved, 1 renamed"
    # Everybody may see a digest, so it must not let anybody try names.
    assert digest(before) == digest([Official(code="a", unit="U"), Official(code="b", unit="U")]) != digest(after)
