"""Which events a snapshot implies, and what repeated, later and reordered snapshots come to."""

from itertools import permutations
from typing import Any

import pytest

from connectors.portal.implied_events import TRANSACTION, Told, events_of
from connectors.portal.snapshot import read_snapshot
from connectors.portal.statuses import TABLES
from schemas.envelope import decode, encode, encode_event
from schemas.events import Event
from schemas.instant import to_micros
from schemas.working_time.built_in import built_in_calendar
from streams.counting.case_history import history_of
from streams.counting.registers import Registers, merged
from streams.on_time.rules import RULES
from streams.on_time.term import term_at
from tests.connectors.portal.messages import TOLD_AT, ZONE, dossier, implied, local, supplement

CALENDAR = built_in_calendar()


def told(events: list[Event]) -> dict[str, Any]:
    """What each kind of event says last: its time, and its own fields that are not empty."""
    common = {"id", "dossier", "source", "occurred_at", "recorded_at", "seq"}
    return {
        str(event.__struct_config__.tag): (
            event.occurred_at,
            {name: value for name in event.__struct_fields__ if name not in common and (value := getattr(event, name))},
        )
        for event in events
    }


def test_an_open_dossier_was_received_and_has_a_term() -> None:
    found = told(implied(TaiLieuNop=[]))
    assert found == {
        "received": (
            local("20260302080000"),
            {"agency": "H26.17", "channel": "online", "procedure": "1.000894"},
        ),
        "term_set": (local("20260302080000"), {"term": local("20260310170000")}),
        "reopened": (local("20260302080000"), {}),
    }


def test_a_dossier_that_is_told_of_for_the_first_time_takes_nothing_back() -> None:
    snapshot = read_snapshot(dossier(), ZONE, TABLES["ending"])
    assert "reopened" not in told(events_of(snapshot, "H26.17", Told("onestop", TOLD_AT, is_update=False)))


@pytest.mark.parametrize(("released", "handed"), [("NgayKetThucXuLy", "NgayTra"), ("NgayTra", "NgayKetThucXuLy")])
def test_of_two_end_dates_the_earlier_one_is_the_finish_whichever_field_it_is_in(released: str, handed: str) -> None:
    ends: dict[str, Any] = {released: "20260309100000", handed: "20260309150000"}
    found = told(implied(TrangThaiHoSo="10", **ends))
    assert found["resolved"][0] == local("20260309100000")
    assert found["returned"][0] == local("20260309150000")


@pytest.mark.parametrize(
    ("status", "kind"), [("3", "refused"), ("7", "withdrawn"), ("8", "stopped"), ("9", "resolved")]
)
def test_a_status_that_ends_a_dossier_is_its_outcome(status: str, kind: str) -> None:
    found = told(implied(TrangThaiHoSo=status, NgayKetThucXuLy="20260309100000"))
    assert found[kind][0] == local("20260309100000")
    assert "reopened" not in found


def test_fees_payment_and_documents() -> None:
    found = told(
        implied(
            DanhSachLePhi=[{"TenPhiLePhi": "Lệ phí", "Gia": "150.000"}, {"Gia": 20000}],
            DuocThanhToanTrucTuyen=1,
            TaiLieuNop=[
                {"DuocSoHoa": "1", "DuocTaiSuDung": "1"},
                {"DuocSoHoa": 1, "DuocLayTuKhoDMQG": "0"},
                {"IsDeleted": "True", "DuocSoHoa": "1"},
            ],
            DanhSachGiayToKetQua=[{"DuongDanTepTinKetQua": "https://x/1"}],
        )
    )
    assert found["received"][1]["fee_bearing"]
    assert found["paid"][1] == {
        "transaction": TRANSACTION,
        "amount": 170_000,
        "method": "online",
        "gateway": "national",
    }
    assert found["digitised"][1] == {"components": 2, "digitised": 2, "reused": 1, "result": True}


def test_a_dossier_that_was_not_received_yet_is_no_event() -> None:
    assert implied(NgayTiepNhan="", TrangThaiHoSo="1") == []


def test_every_event_is_one_that_readers_accept() -> None:
    events = implied(
        TrangThaiHoSo="10",
        NgayTra="20260309100000",
        DanhSachHoSoBoSung=[supplement("20260303080000", "20260305080000", "20260310170000", "20260312170000")],
        DuocThanhToanTrucTuyen="2",
    )
    decoded = decode(encode([encode_event(each) for each in events]), TOLD_AT)
    assert not decoded.rejections
    assert [event for _, event in decoded.events] == events


SNAPSHOTS: list[dict[str, Any]] = [
    {"TrangThaiHoSo": "2", "KenhThucHien": ""},
    {"TrangThaiHoSo": "9", "NgayKetThucXuLy": "20260306100000"},
    {"TrangThaiHoSo": "4", "NgayHenTra": "20260311170000"},
    {"TrangThaiHoSo": "9", "NgayKetThucXuLy": "20260309100000"},
]


def contents(registers: Registers) -> dict[str, Any]:
    """What the registers say, without when it was told."""
    return {key: register[3:] for key, register in registers.items()}


def test_the_same_snapshot_again_says_nothing_new() -> None:
    first, again = implied(), implied(minutes=5)
    assert [event.id for event in first] == [event.id for event in again]
    assert contents(merged(first)) == contents(merged([*first, *again]))


def test_the_order_in_which_snapshots_arrive_does_not_matter() -> None:
    told = [implied(minutes=place, **changed) for place, changed in enumerate(SNAPSHOTS)]
    found = [merged(event for events in order for event in events) for order in permutations(told)]
    assert all(each == found[0] for each in found)


@pytest.mark.parametrize("last", range(len(SNAPSHOTS)))
def test_a_later_snapshot_corrects_what_differs(last: int) -> None:
    before = [event for place, changed in enumerate(SNAPSHOTS) for event in implied(minutes=place, **changed)]
    after = implied(minutes=60, **SNAPSHOTS[last])
    found, alone = contents(merged([*before, *after])), contents(merged(after))
    assert {key: found[key] for key in alone} == alone


class TestTerms:
    """A wait moves a term once: a term that the source sends with the answer already takes account of it."""

    def term(self, at: str, **changed: Any) -> int | None:
        history = history_of(merged(implied(**changed)), CALENDAR)
        assert history is not None
        return term_at(history, to_micros(local(at)), RULES[0], CALENDAR).current

    def test_a_new_term_that_comes_with_the_supplement_is_not_moved_again(self) -> None:
        moved = "20260312170000"
        listed = [supplement("20260303080000", "20260305080000", "20260310170000", moved)]
        assert self.term("20260306080000", NgayHenTra=moved, DanhSachHoSoBoSung=listed) == to_micros(local(moved))

    def test_nor_is_one_that_only_the_dossier_itself_states(self) -> None:
        moved = "20260312170000"
        listed = [supplement("20260303080000", "20260305080000")]
        assert self.term("20260306080000", NgayHenTra=moved, DanhSachHoSoBoSung=listed) == to_micros(local(moved))

    def test_a_term_that_the_source_left_alone_is_moved_by_the_wait(self) -> None:
        listed = [supplement("20260303080000", "20260305080000", "20260310170000")]
        found = self.term("20260306080000", DanhSachHoSoBoSung=listed)
        assert found == to_micros(local("20260312170000"))

    def test_the_original_term_stays_known(self) -> None:
        listed = [supplement("20260303080000", "20260305080000", "20260310170000", "20260312170000")]
        found = told(implied(NgayHenTra="20260313170000", DanhSachHoSoBoSung=listed))
        assert found["term_set"][1] == {"term": local("20260310170000")}
        assert found["extended"][1] == {"number": 1, "term": local("20260313170000")}

    def test_what_was_told_before_a_wait_keeps_the_original_term(self) -> None:
        before = implied()
        after = implied(
            minutes=9, NgayHenTra="20260312170000", DanhSachHoSoBoSung=[supplement("20260303080000", "20260305080000")]
        )
        registers = merged([*after, *before])
        assert registers["term"][5] == (to_micros(local("20260310170000")),)
        assert registers["extension:1"][5][0] == to_micros(local("20260312170000"))
