from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.errors import WrongMapping
from connectors.files.cell_values import Cell
from connectors.files.mapping import Mapping
from connectors.files.mapping_file import decode_mapping, load_mapping
from connectors.files.row import Origin, Row
from connectors.files.row_mapper import RowMapper
from schemas.events import Digitised, Event, Paid, Progressed, Rated, Received, Resolved, TermSet
from schemas.instant import to_micros
from streams.counting.facts import facts_of
from streams.counting.registers import Registers, fold

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TOLD = datetime(2026, 11, 1, tzinfo=UTC)
SAMPLE = load_mapping(Path(__file__).parents[3] / "samples" / "wabo-receipt.toml")

MANY = decode_mapping(
    b"""
    source = "portal"
    time_zone = "Asia/Ho_Chi_Minh"
    formats = ["%Y%m%d%H%M%S", "%Y%m%d"]
    dossier = { column = "MaHoSo" }
    recorded_at = { column = "Ghi" }

    [[events]]
    kind = "received"
    occurred_at = { column = "NgayTiepNhan" }
    seq = { column = "STT" }
    [events.fields]
    agency = { column = "DonVi", default = "H26" }
    channel = { column = "Kenh", values = { 1 = "direct", 2 = "online", 3 = "postal" } }
    fee_bearing = { column = "Phi" }

    [[events]]
    kind = "term_set"
    occurred_at = { column = "NgayTiepNhan" }
    fields = { term = { column = "NgayHenTra" } }
    when = { column = "CoHan", one_of = ["1"] }

    [[events]]
    kind = "resolved"
    occurred_at = { column = "NgayKetThuc" }
    when = { column = "TrangThai", one_of = ["9", "10"] }
    fields = { e_result = true }

    [[events]]
    kind = "paid"
    occurred_at = { column = "NgayThanhToan" }
    fields = { transaction = { column = "MaGD" }, amount = { column = "Gia" }, method = "online" }

    [[events]]
    kind = "digitised"
    occurred_at = { column = "NgaySoHoa" }
    fields = { components = { column = "TP" }, digitised = { column = "SoHoa" } }

    [[events]]
    kind = "rated"
    occurred_at = { column = "NgayDanhGia" }
    fields = { satisfied = { column = "HaiLong" }, score = { column = "Diem" } }
    """,
    "portal.toml",
)
RECEIVED: dict[str, Cell] = {
    "MaHoSo": "H26.1-1",
    "NgayTiepNhan": "20260105083000",
    "DonVi": "H26.1",
    "Kenh": "2",
    "Phi": "1",
    "STT": "7",
}


def events(cells: dict[str, Cell], mapping: Mapping = MANY, told_at: datetime = TOLD) -> list[Event]:
    mapped = RowMapper(mapping, told_at, NOW).events_of(Row(2, cells, "text"))
    assert not mapped.rejects
    return [event for _, event in mapped.events]


def unfit(cells: dict[str, Cell]) -> tuple[str, str, str]:
    (found,) = RowMapper(MANY, TOLD, NOW).events_of(Row(2, cells, "text")).rejects
    return found.column, found.value, found.reason


def test_a_row_becomes_the_event_that_the_mapping_says() -> None:
    (event,) = events(RECEIVED)
    assert event == Received(
        id=event.id,
        dossier="H26.1-1",
        source="portal",
        occurred_at=datetime(2026, 1, 5, 1, 30, tzinfo=UTC),
        recorded_at=TOLD,
        seq=7,
        agency="H26.1",
        channel="online",
        fee_bearing=True,
    )
    assert len(event.id) == 32


def test_a_column_says_when_it_was_recorded_before_the_export_does() -> None:
    (event,) = events(RECEIVED | {"Ghi": "20260106000000"})
    assert event.recorded_at == datetime(2026, 1, 5, 17, tzinfo=UTC)


def test_constants_conditions_and_defaults() -> None:
    ended: dict[str, Cell] = {"MaHoSo": "a", "NgayKetThuc": "20260110", "TrangThai": 9}
    (resolved,) = events(ended)
    assert isinstance(resolved, Resolved)
    assert resolved.e_result
    assert events(ended | {"TrangThai": "7"}) == []
    (received,) = events(RECEIVED | {"DonVi": " "})
    assert isinstance(received, Received)
    assert received.agency == "H26"


def test_a_term_that_is_a_date_ends_with_its_day_and_a_reception_begins_with_it() -> None:
    received, term = events(RECEIVED | {"NgayTiepNhan": "20260105", "NgayHenTra": "20260112", "CoHan": "1"})
    assert isinstance(term, TermSet)
    assert received.occurred_at == datetime(2026, 1, 4, 17, tzinfo=UTC)
    assert term.term == datetime(2026, 1, 12, 16, 59, 59, 999999, tzinfo=UTC)


def test_numbers_and_answers_are_typed() -> None:
    cells: dict[str, Cell] = {"MaHoSo": "a", "NgayThanhToan": "20260105", "MaGD": 123, "Gia": "50000"}
    cells |= {"NgaySoHoa": "20260105", "TP": 5, "SoHoa": "3"}
    cells |= {"NgayDanhGia": "20260105", "HaiLong": "no", "Diem": "2"}
    paid, digitised, rated = events(cells)
    assert isinstance(paid, Paid)
    assert isinstance(digitised, Digitised)
    assert isinstance(rated, Rated)
    assert (paid.transaction, paid.amount, digitised.digitised, rated.satisfied, rated.score) == (
        "123",
        50_000,
        3,
        False,
        2,
    )


@pytest.mark.parametrize(
    ("cells", "blame"),
    [
        ({"MaHoSo": ""}, ("MaHoSo", "", "is empty")),
        ({"Kenh": "4"}, ("Kenh", "4", "is not one of 1, 2, 3")),
        ({"Phi": "maybe"}, ("Phi", "maybe", "is neither true nor false")),
        ({"STT": "-1"}, ("STT", "-1", "does not fit received: Expected `int` >= 0")),
        (
            {"NgayTiepNhan": "202110105083000"},
            ("NgayTiepNhan", "202110105083000", "is not a date or time as %Y%m%d%H%M%S or %Y%m%d has it"),
        ),
        (
            {"NgayTiepNhan": "19990105"},
            (
                "NgayTiepNhan",
                "19990105",
                "does not fit received: occurred_at = 1999-01-04T17:00:00+00:00 is not between 2000 and 2099",
            ),
        ),
        ({"NgayTiepNhan": "20270101"}, ("NgayTiepNhan", "20270101", "lies in the future")),
        ({"Ghi": "20270101"}, ("Ghi", "20270101", "lies in the future")),
        ({"DonVi": "x" * 101}, ("DonVi", "x" * 101, "does not fit received: Expected `str` of length <= 100")),
        (
            {"NgayThanhToan": "20260105", "MaGD": "t", "Gia": "1.5"},
            ("Gia", "1.5", "is not a whole number: say with `times` in which smaller units amounts are counted"),
        ),
        (
            {"NgaySoHoa": "20260105", "TP": "2", "SoHoa": "3"},
            ("SoHoa", "3", "does not fit digitised: digitised = 3 and reused = 0 exceed components = 2"),
        ),
    ],
)
def test_a_row_that_does_not_fit_is_blamed_on_a_column(cells: dict[str, Cell], blame: tuple[str, str, str]) -> None:
    assert unfit(RECEIVED | cells) == blame


def test_terms_may_lie_in_the_future() -> None:
    assert len(events(RECEIVED | {"NgayHenTra": "20270101", "CoHan": "1"})) == 2


CASE = """
source = "s"
time_zone = "UTC"
dossier = { column = "id" }
[[events]]
kind = "received"
occurred_at = { column = "at" }
fields = { agency = { column = "agency" }, channel = { column = "how" } }
[[events]]
kind = "term_set"
occurred_at = { column = "at" }
fields = { term = { column = "due" } }
[[events]]
kind = "paid"
occurred_at = { column = "at" }
fields = { transaction = { column = "tx" }, amount = { column = "fee" }, method = "cash" }
"""
WHOLE: dict[str, Cell] = {"id": "a", "at": "2026-01-05", "agency": "A", "how": "online", "due": "2026-01-20", "tx": "t"}
WHOLE["fee"] = 5


def kinds_and_blame(cells: dict[str, Cell], text: str = CASE) -> tuple[list[str], list[tuple[str, str]]]:
    mapped = RowMapper(decode_mapping(text.encode(), "m"), TOLD, NOW).events_of(Row(2, WHOLE | cells, ""))
    kinds = [str(event.__struct_config__.tag) for _, event in mapped.events]
    return kinds, [(unfit.event, unfit.column) for unfit in mapped.rejects]


@pytest.mark.parametrize(
    ("cells", "kinds", "blame"),
    [
        ({}, ["received", "term_set", "paid"], []),
        ({"due": ""}, ["received", "paid"], []),
        ({"due": None, "tx": None}, ["received"], []),
        ({"fee": " ", "tx": "NULL"}, ["received", "term_set"], [("paid", "tx")]),
        ({"tx": "", "fee": "free"}, ["received", "term_set"], []),
        ({"due": "soon"}, ["received", "paid"], [("term_set", "due")]),
        ({"how": "by pigeon"}, ["term_set", "paid"], [("received", "how")]),
        ({"how": ""}, ["received", "term_set", "paid"], []),
        ({"agency": "NULL", "fee": "1.5E+5"}, ["term_set"], [("received", "agency"), ("paid", "fee")]),
        ({"at": "never"}, [], [("received, term_set, paid", "at")]),
        ({"at": "never", "due": ""}, [], [("received, paid", "at")]),
        ({"id": "2.617E+16"}, [], [("", "id")]),
        ({"id": 2.617000000000003e16}, [], [("", "id")]),
    ],
)
def test_each_event_of_a_row_fits_by_itself(
    cells: dict[str, Cell], kinds: list[str], blame: list[tuple[str, str]]
) -> None:
    assert kinds_and_blame(cells) == (kinds, blame)


def test_a_required_event_takes_its_row_along_and_a_required_column_its_event() -> None:
    event = CASE.replace('kind = "term_set"', 'kind = "term_set"\nrequired = true')
    column = CASE.replace('{ column = "due" }', '{ column = "due", required = true }')
    for due in ("", "soon"):
        assert kinds_and_blame({"due": due}, event) == ([], [("term_set", "due")])
        assert kinds_and_blame({"due": due}, column) == (["received", "paid"], [("term_set", "due")])


def test_an_event_may_be_given_only_where_a_column_is_not_empty() -> None:
    text = CASE + '[[events]]\nkind = "returned"\noccurred_at = { column = "at" }\n'
    text += 'when = { column = "due", not_empty = true }\n'
    assert kinds_and_blame({}, text)[0][-1] == "returned"
    for due in ("", " ", None, float("nan")):
        assert "returned" not in kinds_and_blame({"due": due}, text)[0]


def test_what_a_mapping_allows_is_an_id() -> None:
    text = CASE.replace('{ column = "id" }', '{ column = "id", as = "text" }')
    assert kinds_and_blame({"id": "2.617E+16"}, text)[1] == []
    assert kinds_and_blame({"id": 2.617000000000003e16}, text)[1] == [("", "id")]
    text = CASE.replace('{ column = "id" }', '{ column = "id", as = "integer" }')
    assert kinds_and_blame({"id": "20260000.0"}, text)[1] == []
    text = CASE.replace('{ column = "tx" }', '{ column = "tx", empty = ["NULL"] }')
    assert kinds_and_blame({"tx": "NULL"}, text) == (["received", "term_set"], [])


def test_a_value_map_knows_a_float_by_its_integer() -> None:
    for kenh in ("2", 2, 2.0):
        (event,) = events(RECEIVED | {"Kenh": kenh})
        assert isinstance(event, Received)
        assert event.channel == "online"


STEP: dict[str, Cell] = {
    "case:concept:name": "case-1",
    "case:channel": "Internet",
    "case:department": "General",
    "case:startdate": "2011-10-11 13:42:22.688000+02:00",
    "case:deadline": "2011-12-06 13:41:31.788000+01:00",
    "case:enddate": "",
    "concept:instance": "task-1",
    "concept:name": "Confirmation of receipt",
    "org:group": "EMPTY",
    "time:timestamp": "2011-10-11 13:45:40.276000+02:00",
}


def ids(cells: dict[str, Cell], mapping: Mapping = SAMPLE, told_at: datetime = TOLD) -> set[str]:
    return {event.id for event in events(cells, mapping, told_at)}


@given(told_at=st.datetimes(datetime(2012, 1, 1), datetime(2026, 11, 1)))
def test_ids_do_not_depend_on_when_it_was_exported(told_at: datetime) -> None:
    assert ids(STEP, told_at=told_at.replace(tzinfo=UTC)) == ids(STEP)


def test_ids_do_not_depend_on_how_an_instant_is_written() -> None:
    assert ids(STEP | {"case:startdate": "2011-10-11 11:42:22.688Z"}) == ids(STEP)
    assert ids(STEP | {"case:startdate": datetime(2011, 10, 11, 11, 42, 22, 688000, tzinfo=UTC)}) == ids(STEP)


@pytest.mark.parametrize(
    ("change", "new"),
    [
        ({"case:channel": "Desk"}, 1),
        ({"case:channel": "e-mail", "case:department": "Experts"}, 1),
        ({"case:startdate": "2011-10-11 13:42:22.688001+02:00"}, 2),
        ({"case:deadline": "2011-12-07 13:41:31.788000+01:00"}, 1),
        ({"concept:instance": "task-2"}, 1),
        ({"case:enddate": "2011-12-01 00:00:00+01:00"}, 1),
        ({"case:concept:name": "case-2"}, 3),
    ],
)
def test_a_changed_row_gives_new_ids_for_what_changed_only(change: dict[str, Cell], new: int) -> None:
    assert len(ids(STEP | change) - ids(STEP)) == new


def test_events_of_one_moment_are_ordered_by_their_time_within_an_export() -> None:
    *_, step = events(STEP, SAMPLE)
    assert isinstance(step, Progressed)
    assert step.seq == to_micros(step.occurred_at)
    assert step.unit is None


def test_a_clock_a_little_ahead_is_no_future() -> None:
    cells = RECEIVED | {"NgayTiepNhan": "20261124073000"}
    assert events(cells)[0].occurred_at == NOW + timedelta(minutes=30)


@pytest.mark.parametrize("letters", range(1, 8))
@pytest.mark.parametrize("cut_first", [True, False], ids=["the whole comes last", "the cut comes last"])
def test_the_later_import_of_one_time_holds_whatever_order_its_events_come_in(letters: int, cut_first: bool) -> None:
    cut, whole = STEP | {"case:department": "General"[:letters]}, STEP | {"case:department": "General"}
    imports = [cut, whole] if cut_first else [whole, cut]
    said = [RowMapper(SAMPLE, TOLD, NOW, number).events_of(Row(2, cells, "")) for number, cells in enumerate(imports)]
    for order in (said, said[::-1]):
        registers: Registers = {}
        for mapped in order:
            for _, event in mapped.events:
                registers = fold(registers, event)
        assert facts_of(registers).agency == imports[-1]["case:department"]


def test_an_imports_number_keeps_the_order_of_time_within_it() -> None:
    (*_, (_, step)), (*_, (_, later)) = (
        RowMapper(SAMPLE, TOLD, NOW, number).events_of(Row(2, STEP, "")).events for number in (0, 3)
    )
    assert (later.seq - step.seq, later.id) == (3, step.id)


def test_a_sources_own_order_is_left_alone() -> None:
    ((_, event),) = RowMapper(MANY, TOLD, NOW, 5).events_of(Row(2, RECEIVED, "")).events
    assert event.seq == 7
    closed: dict[str, Cell] = {"MaHoSo": "a", "NgayKetThuc": "20260110", "TrangThai": 9}
    ((_, other),) = RowMapper(MANY, TOLD, NOW, 5).events_of(Row(2, closed, "")).events
    assert other.seq == 0


@pytest.mark.parametrize(("before", "ignores_origin", "number"), [(3, False, 3), (3, True, 5), (None, False, 5)])
def test_a_row_that_was_put_aside_keeps_the_number_of_its_import(
    before: int | None, ignores_origin: bool, number: int
) -> None:
    row = Row(2, STEP, "", origin=Origin("log.csv", TOLD, before))
    (*_, (_, event)) = RowMapper(SAMPLE, TOLD, NOW, 5, ignores_origin=ignores_origin).events_of(row).events
    (*_, (_, first)) = (
        RowMapper(SAMPLE, TOLD, NOW).events_of(row).events
        if before is None
        else (RowMapper(SAMPLE, TOLD, NOW, ignores_origin=True).events_of(row).events)
    )
    assert event.seq - first.seq == number


STEPS = """
    source = "one-stop"
    time_zone = "Asia/Ho_Chi_Minh"
    dossier = { column = "MaHoSo" }

    [[events]]
    kind = "progressed"
    occurred_at = { column = "Ngay" }
    fields = { step = { column = "Buoc" }, official = { column = "CanBo" } }

    [[events]]
    kind = "assigned"
    occurred_at = { column = "Ngay" }
    fields = { agency = "H26.17", official = { column = "CanBo" } }
    """
ROW = {"MaHoSo": "1", "Ngay": "2026-03-02 09:00", "Buoc": "Thẩm định"}


def test_an_official_is_a_code_or_nobody() -> None:
    mapper = RowMapper(decode_mapping(STEPS.encode(), "m"), TOLD, NOW)
    for cell, official in (("CB-17", "CB-17"), (" H26.17/0012 ", "H26.17/0012"), (17.0, "17"), ("", None)):
        mapped = mapper.events_of(Row(2, ROW | {"CanBo": cell}, ""))
        assert not mapped.rejects
        assert [event.official for _, event in mapped.events] == [official, official]  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["Nguyễn Văn An", "nguyenvanan", "an.nv1@hanoi.gov.vn", "001099012345"])
def test_a_column_of_names_is_no_column_of_officials(name: str) -> None:
    mapped = RowMapper(decode_mapping(STEPS.encode(), "m"), TOLD, NOW).events_of(Row(2, ROW | {"CanBo": name}, ""))
    assert mapped.events == []
    assert {(reject.column, reject.value) for reject in mapped.rejects} == {("CanBo", name)}
    assert all("not the opaque code of an official" in reject.reason for reject in mapped.rejects)


def test_an_official_who_is_always_the_same_is_a_code_too() -> None:
    codes = STEPS.replace('{ column = "CanBo" }', '{ column = "CanBo", values = { "Nguyễn Văn An" = "CB-17" } }', 1)
    mapped = RowMapper(decode_mapping(codes.encode(), "m"), TOLD, NOW).events_of(
        Row(2, ROW | {"CanBo": "Nguyễn Văn An"}, "")
    )
    assert [event.official for _, event in mapped.events] == ["CB-17"]  # type: ignore[attr-defined]
    for wrong in (
        '"Nguyễn Văn An"',
        '{ column = "CanBo", default = "Lan" }',
        '{ column = "CanBo", values = { 1 = "Lan" } }',
    ):
        with pytest.raises(WrongMapping, match=r"m: events\[1\] \(progressed\): official = .* not the opaque code"):
            decode_mapping(STEPS.replace('{ column = "CanBo" }', wrong, 1).encode(), "m")
