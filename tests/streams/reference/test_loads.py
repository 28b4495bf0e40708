"""Loads of reference data on a real engine: whole or not at all, looked up at once, listed and restored."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from clickhouse_driver import Client
from clickhouse_driver.errors import ServerException

from schemas.connection import ClickHouseConnection
from schemas.instant import to_micros
from schemas.reference.agency import Agency
from schemas.reference.official import Official
from schemas.reference.procedure import FeeLine, ProcedureVersion
from streams.errors import NoSuchLoad, NotExclusive
from streams.reference import loads
from streams.reference.kinds import KIND_NAMES, KINDS
from streams.reference.loads import Load, changes, content, current, history, reload, restore, write
from streams.storage.clickhouse_client import connect
from tests.schemas.working_time.calendars import on, schedule

pytestmark = pytest.mark.clickhouse

AGENCY, PROCEDURE, OFFICIAL, CALENDAR = (KINDS[name] for name in KIND_NAMES)
HOSTILE = "Sở \"Nội vụ\" <b>'x'</b> | a\nb \\ \x1b[31m" + "ộ" * 260
PROVINCE = Agency(code="H26", name_vi="Thành phố Hà Nội", level="province", aliases=("000.00.00.H26",))
WARD = Agency(code="H26.1", name_vi=HOSTILE, parent="H26", level="commune", group="xã phường")
BIRTH = ProcedureVersion(
    code="1.001193",
    name_vi="Đăng ký khai sinh",
    levels=("commune", "district"),
    service_level="full",
    term=1,
    unit="working days",
    fees=(FeeLine("", 8000, valid_to=date(2025, 12, 31)), FeeLine("Bản sao", 0)),
    electronic_result=True,
    components_reusable=("Giấy chứng sinh",),
    valid_from=date(2025, 7, 1),
)
VISIT = ProcedureVersion(code="2.1", name_vi="Không thời hạn", service_level="information", channel="direct")
SUMMER = schedule("1-5", "07:00-11:30", "13:30-17:00", since="2026-04-16", last=date(2026, 10, 15), same_day_until=870)
SWAP = on("2026-12-31", "worked", agency="H26", applies_to="working", name=HOSTILE, source=HOSTILE)
CLERK = Official(code="cb-1", unit="H26.1", name="Nguyễn Thị Mẫu")


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    found = connect(clickhouse)
    yield found
    found.disconnect()


def loaded(client: Client, kind: Any, *declared: Any) -> Load:
    found = write(client, kind, declared, by="lan", files=["a.csv"])
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("kind", "declared"),
    [(AGENCY, [PROVINCE, WARD]), (PROCEDURE, [BIRTH, VISIT]), (OFFICIAL, [CLERK]), (CALENDAR, [SUMMER, SWAP])],
)
def test_what_is_loaded_is_read_as_it_was(client: Client, kind: Any, declared: Sequence[Any]) -> None:
    load = loaded(client, kind, *declared)
    assert content(client, kind, load, with_names=True) == declared
    assert (load.loaded_by, load.files, load.rows, load.restored_from) == ("lan", ("a.csv",), len(declared), 0)
    assert load.summary == f"{len(declared)} added"
    assert current(client, kind.name) == load
    assert history(client) == [load]


def test_the_same_content_is_no_load_in_whatever_order(client: Client) -> None:
    loaded(client, AGENCY, PROVINCE, WARD)
    assert write(client, AGENCY, [WARD, PROVINCE], by="minh") is None
    assert len(history(client, "agencies")) == 1
    assert client.execute("SELECT count() FROM agencies") == [(2,)]


def test_dictionaries_have_the_current_load_at_once_and_nothing_of_former_ones(client: Client) -> None:
    place = "SELECT dictGet('agency_places', 'path', tuple(%(code)s), toDate('2026-01-01'))"
    loaded(client, AGENCY, PROVINCE, WARD)
    assert reload(client, AGENCY)
    assert client.execute(place, {"code": "H26.1"}) == [(["H26", "H26.1"],)]
    assert client.execute(place, {"code": "000.00.00.H26"}) == [(["H26"],)]
    assert client.execute("SELECT dictGet('agency_labels', 'name_vi', 'H26.1')") == [(HOSTILE,)]
    loaded(client, AGENCY, PROVINCE)
    assert reload(client, AGENCY)
    assert client.execute(place, {"code": "H26.1"}) == [([],)]
    assert client.execute("SELECT agency, code FROM agency_labels ORDER BY agency") == [
        ("000.00.00.H26", "H26"),
        ("H26", "H26"),
    ]


def test_a_dossier_has_the_version_of_its_channel_and_day(client: Client) -> None:
    older = ProcedureVersion(code="1.001193", name_vi="Khai sinh", service_level="3", valid_to=date(2025, 6, 30))
    loaded(client, PROCEDURE, BIRTH, older, VISIT)
    assert reload(client, PROCEDURE)
    version = (
        "SELECT dictGetOrDefault('procedure_versions', 'service_level', ('1.001193', 'postal'), toDate(%(day)s), '')"
    )
    assert [client.execute(version, {"day": day})[0][0] for day in ("2025-06-30", "2025-07-01")] == ["3", "full"]
    assert client.execute("SELECT channel, term FROM procedure_versions WHERE procedure = '2.1'") == [("direct", None)]
    fees = "SELECT fee_names, fee_amounts, fee_to FROM procedure_versions WHERE channel = 'online'"
    assert client.execute(f"{fees} AND version_from = '2025-07-01'") == [
        (["", "Bản sao"], [8000, 0], [date(2025, 12, 31), date(2299, 12, 31)])
    ]
    assert client.execute("SELECT procedure, name_vi FROM procedure_labels ORDER BY procedure") == [
        ("1.001193", "Đăng ký khai sinh"),
        ("2.1", "Không thời hạn"),
    ]


def test_a_label_is_that_of_today_and_names_the_parent_by_its_code(client: Client) -> None:
    past = Agency(code="X", name_vi="cũ", parent="000.00.00.H26", level="district", valid_to=date(2020, 1, 1))
    present = Agency(code="X", name_vi="nay", parent="000.00.00.H26", level="commune", valid_from=date(2020, 1, 2))
    coming = Agency(code="X", name_vi="mai", level="commune", valid_from=date(2200, 1, 1))
    ended = Agency(code="Y", name_vi="hết", level="commune", valid_to=date(2020, 1, 1))
    loaded(
        client,
        AGENCY,
        *(PROVINCE, past, Agency(**{**_fields(present), "valid_to": date(2199, 12, 31)}), coming, ended),
    )
    assert reload(client, AGENCY)
    assert client.execute(
        "SELECT agency, name_vi, parent, level, is_current FROM agency_labels WHERE code IN ('X', 'Y') ORDER BY agency"
    ) == [("X", "nay", "H26", "commune", 1), ("Y", "hết", "", "commune", 0)]


def _fields(agency: Agency) -> dict[str, Any]:
    return {name: getattr(agency, name) for name in agency.__struct_fields__}


@pytest.mark.parametrize("statement", ["agencies", "agency_placements", "reference_loads"])
def test_a_load_that_is_killed_anywhere_does_not_exist_and_can_be_repeated(
    client: Client, statement: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = loaded(client, AGENCY, PROVINCE)
    assert reload(client, AGENCY)
    execute = client.execute

    def killed(sql: str, *arguments: Any, **options: Any) -> Any:
        if sql.startswith(f"INSERT INTO {statement} "):
            raise ConnectionResetError("gone")
        return execute(sql, *arguments, **options)

    monkeypatch.setattr(client, "execute", killed)
    with pytest.raises(ConnectionResetError):
        write(client, AGENCY, [PROVINCE, WARD], by="lan")
    monkeypatch.undo()
    assert history(client) == [first]
    assert reload(client, AGENCY)
    assert client.execute("SELECT count() FROM agency_labels") == [(2,)]
    second = loaded(client, AGENCY, PROVINCE, WARD)
    assert second.load > first.load
    assert content(client, AGENCY, current(client, "agencies")) == [PROVINCE, WARD]


def test_rows_of_a_load_that_was_killed_long_ago_are_dropped_by_the_next_one(client: Client) -> None:
    long_ago = to_micros(datetime.now(UTC) - timedelta(days=2))
    just_now = to_micros(datetime.now(UTC))
    for number in (long_ago, just_now):
        client.execute(f"INSERT INTO officials VALUES ({number}, 'cb-0', 'H26')")
    loaded(client, OFFICIAL, CLERK)
    client.execute("ALTER TABLE officials DELETE WHERE 0 SETTINGS mutations_sync = 2")
    numbers = [number for (number,) in client.execute("SELECT load FROM officials ORDER BY load")]
    assert long_ago not in numbers
    assert just_now in numbers


def test_a_clock_that_was_set_back_hides_no_load_and_mixes_none(client: Client) -> None:
    first = loaded(client, AGENCY, PROVINCE)
    client.execute(f"INSERT INTO agencies (load, code) VALUES ({first.load + 1}, 'killed')")
    second = write(client, AGENCY, [WARD], by="lan", now=lambda: datetime(2020, 1, 1, tzinfo=UTC))
    assert second is not None
    assert second.load > first.load + 1
    assert content(client, AGENCY, current(client, "agencies")) == [WARD]


def test_of_two_loads_at_once_the_later_mark_is_refused(
    client: Client, clickhouse: ClickHouseConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = connect(clickhouse)
    insert = loads._insert

    def meanwhile(*arguments: Any) -> None:
        monkeypatch.undo()
        assert write(other, AGENCY, [PROVINCE], by="minh") is not None
        insert(*arguments)

    monkeypatch.setattr(loads, "_insert", meanwhile)
    with pytest.raises(NotExclusive, match="minh loaded other agencies meanwhile"):
        write(client, AGENCY, [PROVINCE, WARD], by="lan")
    assert content(client, AGENCY, current(client, "agencies")) == [PROVINCE]
    other.disconnect()


def test_an_earlier_load_is_restored_as_a_new_one(client: Client) -> None:
    first = loaded(client, AGENCY, PROVINCE, WARD)
    loaded(client, AGENCY, PROVINCE)
    third = restore(client, AGENCY, first.load, by="minh")
    assert third is not None
    assert (third.restored_from, third.digest, third.loaded_by) == (first.load, first.digest, "minh")
    assert content(client, AGENCY, current(client, "agencies")) == [PROVINCE, WARD]
    assert restore(client, AGENCY, first.load, by="minh") is None
    assert history(client, "agencies")[0] == third
    with pytest.raises(NoSuchLoad, match="there is no load 7 of procedures"):
        restore(client, PROCEDURE, 7, by="minh")


def test_names_of_officials_are_those_of_the_current_load_alone(client: Client) -> None:
    gone = Official(code="cb-2", unit="H26", name="Trần Văn Thử")
    first = loaded(client, OFFICIAL, CLERK, gone)
    assert "Trần" not in first.changes
    loaded(client, OFFICIAL, CLERK)
    client.execute("ALTER TABLE official_names DELETE WHERE 0 SETTINGS mutations_sync = 2")
    assert client.execute("SELECT code, name FROM official_names") == [("cb-1", "Nguyễn Thị Mẫu")]
    restored = restore(client, OFFICIAL, first.load, by="lan")
    assert content(client, OFFICIAL, restored, with_names=True) == [CLERK, Official(code="cb-2", unit="H26")]
    assert content(client, OFFICIAL, restored)[0].name == ""
    # The file with all names is another content than what could be restored.
    assert loaded(client, OFFICIAL, CLERK, gone).summary == "1 renamed"


def test_a_load_that_is_killed_before_it_drops_former_names_is_completed_by_the_next_one(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded(client, OFFICIAL, CLERK, Official(code="cb-2", unit="H26", name="Trần Văn Thử"))
    execute = client.execute

    def killed(sql: str, *arguments: Any, **options: Any) -> Any:
        if sql.startswith("ALTER TABLE official_names"):
            raise ConnectionResetError("gone")
        return execute(sql, *arguments, **options)

    monkeypatch.setattr(client, "execute", killed)
    with pytest.raises(ConnectionResetError):
        write(client, OFFICIAL, [CLERK], by="lan")
    monkeypatch.undo()
    assert write(client, OFFICIAL, [CLERK], by="lan") is None
    client.execute("ALTER TABLE official_names DELETE WHERE 0 SETTINGS mutations_sync = 2")
    assert client.execute("SELECT name FROM official_names") == [("Nguyễn Thị Mẫu",)]


def test_a_file_without_names_keeps_those_that_are_known(client: Client) -> None:
    loaded(client, OFFICIAL, CLERK)
    assert write(client, OFFICIAL, [Official(code="cb-1", unit="H26.1", name=None)], by="lan") is None
    unnamed = [Official(code="cb-1", unit="H26", name=None), Official(code="cb-2", unit="H26", name=None)]
    assert [str(change) for change in changes(client, OFFICIAL, unnamed)] == [
        "cb-1: moved from unit 'H26.1' to 'H26'",
        "cb-2: added: unit 'H26'",
    ]
    moved = loaded(client, OFFICIAL, *unnamed)
    assert [each.name for each in content(client, OFFICIAL, moved, with_names=True)] == ["Nguyễn Thị Mẫu", ""]
    erased = loaded(client, OFFICIAL, Official(code="cb-1", unit="H26"), Official(code="cb-2", unit="H26"))
    assert erased.summary == "1 renamed"
    assert [each.name for each in content(client, OFFICIAL, erased, with_names=True)] == ["", ""]


def test_another_name_is_a_load_though_the_digest_tells_no_name(client: Client) -> None:
    first = loaded(client, OFFICIAL, CLERK)
    second = loaded(client, OFFICIAL, Official(code="cb-1", unit="H26.1", name="Lê Thị Ví Dụ"))
    assert (second.digest, second.summary) == (first.digest, "1 renamed")
    assert content(client, OFFICIAL, second, with_names=True)[0].name == "Lê Thị Ví Dụ"


def test_changes_are_told_before_a_load_and_kept_with_it(client: Client) -> None:
    loaded(client, AGENCY, PROVINCE, WARD)
    after = [PROVINCE, Agency(code="H26.2", name_vi="Phường Hai", parent="H26", level="commune")]
    assert [change.code for change in changes(client, AGENCY, after)] == ["H26.1", "H26.2"]
    load = loaded(client, AGENCY, *after)
    assert load.summary == "1 added, 1 removed"
    many = [Agency(code=f"A{number}", name_vi="x", level="branch") for number in range(150)]
    assert loaded(client, AGENCY, *many).changes.splitlines()[-1] == "and 52 more"


def test_the_reader_looks_agencies_up_and_never_sees_names(
    client: Client, clickhouse_reader: ClickHouseConnection, clickhouse: ClickHouseConnection
) -> None:
    loaded(client, AGENCY, PROVINCE)
    loaded(client, OFFICIAL, CLERK)
    assert reload(client, AGENCY)
    client.execute("CREATE VIEW labelled AS SELECT dictGet('agency_labels', 'name_vi', code) AS name FROM agencies")
    reader = connect(ClickHouseConnection(
        clickhouse_reader.host, clickhouse_reader.port, clickhouse_reader.user, clickhouse_reader.password,
        clickhouse.database,
    ))  # fmt: skip
    assert reader.execute("SELECT name FROM labelled") == [("Thành phố Hà Nội",)]
    assert reader.execute("SELECT code FROM agency_labels WHERE agency = 'H26'") == [("H26",)]
    assert reader.execute("SELECT code FROM officials") == [("cb-1",)]
    for sql in (
        "SELECT * FROM official_names",
        f"SELECT name FROM {clickhouse.database}.`official_names`",
        "SELECT 'cb-1' IN official_names",
        "WITH n AS (SELECT * FROM official_names) SELECT * FROM n",
        "SELECT count() FROM agencies AS a JOIN official_names AS b ON a.code = b.code",
    ):
        with pytest.raises(ServerException) as refused:
            reader.execute(sql)
        assert refused.value.code == 497, sql
    reader.disconnect()
