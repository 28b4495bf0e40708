"""The import of whole files: the sample log, and files that mean harm."""

import csv
import io
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.errors import EventTooLarge, TooManyRejects
from connectors.files.file_import import Import, ImportCounts
from connectors.files.file_reader import FileReader
from connectors.files.mapping_file import decode_mapping, load_mapping
from connectors.files.rejects_file import COLUMNS, RejectsFile
from connectors.files.row_mapper import RowMapper
from schemas.events import Event, Progressed, Received, Resolved

SAMPLES = Path(__file__).parents[3] / "samples"
MAPPING = load_mapping(SAMPLES / "wabo-receipt.toml")
NOW = datetime(2026, 11, 24, tzinfo=UTC)
LOG = (SAMPLES / "wabo-receipt.csv").read_bytes()


def run(
    content: bytes, tmp_path: Path, *, told_at: datetime = NOW, max_rejects: float = 1.0
) -> tuple[list[Event], ImportCounts, list[list[str]]]:
    """The events of a file, what is said about it at the end, and its rejects."""
    published: list[Event] = []
    with (
        RejectsFile(tmp_path / "rejects.csv", "log", NOW) as rejects,
        FileReader("-", io.BytesIO(content), MAPPING, "csv") as rows,
    ):
        job = Import(RowMapper(MAPPING, told_at, NOW), published.append, rejects, max_rejects=max_rejects)
        for _ in job.run(rows):
            pass
    if not rejects.count:
        return published, job.counts, []
    with rejects.path.open(encoding="utf-8", newline="") as file:
        return published, job.counts, list(csv.reader(file))[1:]


@pytest.mark.slow
def test_the_sample_log_counts_what_is_known_of_it(tmp_path: Path) -> None:
    events, tally, rejects = run(LOG, tmp_path)
    assert not rejects
    assert tally == ImportCounts(rows=4321, events=6416, repeats=10533, silent=0, rejects=0)
    assert len({event.id for event in events}) == 6416
    received = [event for event in events if isinstance(event, Received)]
    assert len({event.dossier for event in received}) == len(received) == 717
    assert sum(event.channel == "online" for event in received) == 627
    assert len([event for event in events if isinstance(event, Resolved)]) == 661
    assert len([event for event in events if isinstance(event, Progressed)]) == 4321


@pytest.fixture(scope="module")
def in_order(tmp_path_factory: pytest.TempPathFactory) -> set[Event]:
    """The events of the sample, imported as it is."""
    return set(run(LOG, tmp_path_factory.mktemp("sample"))[0])


@pytest.mark.slow
@pytest.mark.parametrize("order", ["reversed", "shuffled", "split"])
def test_order_and_files_do_not_matter(order: str, tmp_path: Path, in_order: set[Event]) -> None:
    header, *rows = LOG.splitlines(keepends=True)
    if order == "reversed":
        rows.reverse()
    else:
        random.Random(1).shuffle(rows)
    parts = [rows[:1000], rows[1000:]] if order == "split" else [rows]
    found: set[Event] = set()
    for part in parts:
        found |= set(run(header + b"".join(part), tmp_path)[0])
    assert found == in_order


@pytest.mark.slow
def test_a_later_export_with_another_end_date_says_one_thing_anew(tmp_path: Path) -> None:
    before = {event.id: event for event in run(LOG, tmp_path, told_at=datetime(2012, 2, 1, tzinfo=UTC))[0]}
    old, new = b"2011-04-20 11:49:26.141000+02:00", b"2011-04-21 09:00:00+02:00"
    assert LOG.count(old) > 1
    later = datetime(2012, 3, 1, tzinfo=UTC)
    after = {event.id: event for event in run(LOG.replace(old, new), tmp_path, told_at=later)[0]}
    (only,) = after.keys() - before.keys()
    event = after[only]
    assert isinstance(event, Resolved)
    assert (event.occurred_at, event.recorded_at) == (datetime(2011, 4, 21, 7, tzinfo=UTC), later)
    assert len(before.keys() - after.keys()) == 1


@pytest.mark.slow
def test_people_are_never_published(tmp_path: Path) -> None:
    assert "Resource" in LOG.decode()
    assert not [event for event in run(LOG, tmp_path)[0] if "Resource" in repr(event)]


HEADER = "case:channel,case:concept:name,case:deadline,case:department,case:enddate,case:startdate,concept:instance,"
HEADER += "concept:name,org:group,time:timestamp\n"
GOOD = "Internet,{},2011-12-06,General,,2011-10-11 13:42:22+02:00,task-1,Receipt,Group 1,2011-10-11 13:45:40+02:00\n"


def test_every_hostile_row_is_rejected_with_its_reason_and_the_rest_goes_on(tmp_path: Path) -> None:
    good = GOOD.format("case-1")
    hostile = [
        (good.replace("Internet", "Fax"), "case:channel", "Fax", "is not one of Internet, Desk, Post, e-mail, Intern"),
        (GOOD.format(""), "case:concept:name", "", "is empty"),
        (good.replace(",,2011-", ",,20211-"), "case:startdate", "20211-10-11 13:42:22+02:00", "is not a date or time"),
        (good.replace(",,2011-", ",,,"), "", "", "has 11 columns, the header has 10"),
        (good.replace("General,", ""), "", "", "has 9 columns, the header has 10"),
        (good.replace("Receipt", "Re\0ceipt"), "", "", "holds a NUL byte"),
        (good.replace("Receipt", "x" * 2_000_000), "", "", "a field has more than 131072 characters"),
        (good.replace("Receipt", "\udce9"), "", "", "is not UTF-8"),
        (good.replace("Receipt", '"Receipt'), "", "", "as one row of"),
        (good.replace("General", "x" * 101), "case:department", "x" * 101, "does not fit received: Expected `str`"),
        (good.replace(",,2011", ",,2031"), "case:startdate", "2031-10-11 13:42:22+02:00", "lies in the future"),
    ]
    text = HEADER
    for number, (row, *_) in enumerate(hostile):
        text += GOOD.format(f"good-{number}") + row
    events, tally, rejects = run(text.encode("utf-8", "surrogateescape"), tmp_path)
    assert {event.dossier for event in events} == {f"good-{number}" for number in range(len(hostile))}
    assert (tally.rows, tally.rejects) == (2 * len(hostile), len(hostile))
    for number, (reject, (row, column, value, reason)) in enumerate(zip(rejects, hostile, strict=True)):
        told = dict(zip(COLUMNS, reject, strict=True))
        assert (told["file"], int(told["line"])) == ("log", 3 + 2 * number)
        assert (told["column"], told["value"]) == (column, value)
        assert reason in told["reason"]
        assert told["row"][:60] == row.rstrip("\n").replace("\udce9", "\\xe9").replace("\0", "\\x00")[:60]


def test_one_event_that_does_not_fit_leaves_the_others_of_its_row(tmp_path: Path) -> None:
    text = HEADER + GOOD.format("open").replace("2011-12-06", "") + GOOD.format("odd").replace(",,2011", ",never,2011")
    events, tally, rejects = run(text.encode(), tmp_path)
    assert [(event.dossier, type(event).__name__) for event in events] == [
        ("open", "Received"),
        ("open", "Progressed"),
        ("odd", "Received"),
        ("odd", "TermSet"),
        ("odd", "Progressed"),
    ]
    assert (tally.rows, tally.rejects, tally.kinds["received"]) == (2, 1, 2)
    (reject,) = (dict(zip(COLUMNS, row, strict=True)) for row in rejects)
    assert (reject["line"], reject["event"], reject["column"], reject["value"]) == (
        "3",
        "resolved",
        "case:enddate",
        "never",
    )


def test_too_many_rejects_stop_the_import_soon(tmp_path: Path) -> None:
    text = HEADER + "".join(
        GOOD.format(f"case-{n}").replace("Internet", "Fax" if n % 10 == 9 else "Desk") for n in range(500)
    )
    with pytest.raises(TooManyRejects, match=r"10 of 100 rows do not fit, 5% may: see .*rejects\.csv") as caught:
        run(text.encode(), tmp_path, max_rejects=0.05)
    assert caught.value.exit_code == 4
    assert run(text.encode(), tmp_path, max_rejects=0.1)[1].rejects == 50


def test_few_rows_are_too_many_rejects_only_when_none_fits(tmp_path: Path) -> None:
    bad = GOOD.format("case-1").replace("Internet", "Fax")
    assert run((HEADER + bad + GOOD.format("case-2")).encode(), tmp_path, max_rejects=0.05)[1].rejects == 1
    with pytest.raises(TooManyRejects, match="3 of 3 rows"):
        run((HEADER + bad * 3).encode(), tmp_path, max_rejects=0.05)
    assert run(HEADER.encode(), tmp_path, max_rejects=0.05)[1] == ImportCounts()


def test_rows_without_any_event_are_told(tmp_path: Path) -> None:
    mapping = decode_mapping(
        b"""
        source = "s"
        time_zone = "UTC"
        dossier = { column = "id" }
        [[events]]
        kind = "returned"
        occurred_at = { column = "at" }
        """,
        "m",
    )
    with (
        RejectsFile(tmp_path / "r.csv", "log", NOW) as rejects,
        FileReader("-", io.BytesIO(b"id,at\na,\n"), mapping, "csv") as rows,
    ):
        job = Import(RowMapper(mapping, NOW, NOW), lambda _: None, rejects)
        assert len(list(job.run(rows))) == 1
    assert job.counts == ImportCounts(rows=1, silent=1)


def test_what_is_said_again_at_another_time_is_no_repeat(tmp_path: Path) -> None:
    mapping = decode_mapping(
        b"""
        source = "s"
        time_zone = "UTC"
        dossier = { column = "id" }
        recorded_at = { column = "told" }
        [[events]]
        kind = "returned"
        occurred_at = { column = "at" }
        """,
        "m",
    )
    # Said, corrected, and corrected back: without the third the second would hold.
    content = b"id,at,told\na,2026-01-05,2026-01-06\na,2026-01-04,2026-01-07\n" + b"a,2026-01-05,2026-01-08\n" * 2
    published: list[Event] = []
    with (
        RejectsFile(tmp_path / "r.csv", "log", NOW) as rejects,
        FileReader("-", io.BytesIO(content), mapping, "csv") as rows,
    ):
        job = Import(RowMapper(mapping, NOW, NOW), published.append, rejects)
        assert len(list(job.run(rows))) == 4
    assert [event.recorded.day for event in published] == [6, 7, 8]
    assert job.counts.repeats == 1


def test_an_event_that_cannot_travel_is_a_reject(tmp_path: Path) -> None:
    def refuse(event: Event) -> None:
        raise EventTooLarge(f"event {event.id!r} is too large")

    content = (HEADER + GOOD.format("case-1")).encode()
    with (
        RejectsFile(tmp_path / "r.csv", "log", NOW) as rejects,
        FileReader("-", io.BytesIO(content), MAPPING, "csv") as rows,
    ):
        job = Import(RowMapper(MAPPING, NOW, NOW), refuse, rejects)
        assert len(list(job.run(rows))) == 1
    assert job.counts == ImportCounts(rows=1, rejects=1)
    assert "is too large" in (tmp_path / "r.csv").read_text()
