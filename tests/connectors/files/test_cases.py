"""Files as they came from real sources, cut down: each with what is right to count of it."""

import csv
from datetime import datetime, timedelta
from operator import gt
from pathlib import Path
from unicodedata import normalize

import pytest

from connectors.errors import TooManyRejects, UnreadableFile
from connectors.files.mapping_file import decode_mapping, load_mapping
from schemas.events import Paid, Received, Resolved, TermSet
from tests.connectors.files.imported import imported

CASES = Path(__file__).parent / "cases"


@pytest.mark.parametrize("mapping", ["map.toml", "map-novalues.toml"])
@pytest.mark.parametrize("file", ["a-nfc.csv", "b-nfd.csv", "c-nfd-header.csv", "d-cp1258.csv"])
def test_vietnamese_counts_the_same_in_every_form_of_unicode(file: str, mapping: str, tmp_path: Path) -> None:
    encoding = "cp1258" if "cp1258" in file else "utf-8"
    folder = CASES / "normal-form"
    found = imported(folder / file, load_mapping(folder / mapping), tmp_path / "r.csv", encoding=encoding)
    assert found.kinds == {"received": 60, "term_set": 60, "resolved": 45}
    assert {event.agency for event in found.of(Received)} == {"Ủy ban nhân dân phường Bến Nghé", "Sở Xây dựng"}
    assert (found.rejects, found.odd) == ([], [])


def test_a_mapping_in_nfd_finds_the_columns_and_texts_of_a_file_in_nfc(tmp_path: Path) -> None:
    folder = CASES / "normal-form"
    text = normalize("NFD", (folder / "map.toml").read_text())
    mapping = decode_mapping(text.encode(), "map.toml")
    for file in ("a-nfc.csv", "b-nfd.csv"):
        assert imported(folder / file, mapping, tmp_path / "r.csv").kinds["resolved"] == 45


def test_an_encoding_that_is_not_said_is_asked_for(tmp_path: Path) -> None:
    folder = CASES / "normal-form"
    with pytest.raises(UnreadableFile, match=r"d-cp1258\.csv: its header line.*is not UTF-8.*`encoding`"):
        imported(folder / "d-cp1258.csv", load_mapping(folder / "map.toml"), tmp_path / "r.csv")


def test_a_request_without_a_due_date_counts_without_a_term(tmp_path: Path) -> None:
    folder = CASES / "empty-deadline"
    found = imported(folder / "requests.csv", load_mapping(folder / "map.toml"), tmp_path / "r.csv")
    assert found.kinds == {"received": 200, "term_set": 60, "resolved": 180}
    assert found.rejects == []
    terms = {event.dossier: event.term for event in found.of(TermSet)}
    late = [event for event in found.of(Resolved) if event.occurred_at > terms.get(event.dossier, event.occurred_at)]
    with (folder / "requests.csv").open(newline="") as file:
        held = [row for row in csv.DictReader(file) if row["Due Date"] and row["Closed Date"]]
    names = ("Closed Date", "Due Date")
    closed, due = ([datetime.strptime(row[name], "%m/%d/%Y %I:%M:%S %p") for row in held] for name in names)
    assert len(late) == sum(map(gt, closed, due)) == 12


def test_ids_that_came_as_floats_are_their_integers(tmp_path: Path) -> None:
    folder = CASES / "float-ids"
    mapping = load_mapping(folder / "map.toml")
    text = imported(folder / "a.csv", mapping, tmp_path / "r.csv")
    floats = imported(folder / "b.parquet", mapping, tmp_path / "r.csv")
    assert text.kinds == floats.kinds == {"received": 40, "resolved": 20}
    assert {event.dossier for event in text.events} == {event.dossier for event in floats.events}
    assert {event.id for event in text.events} == {event.id for event in floats.events}


def test_ids_that_floats_cannot_hold_are_refused(tmp_path: Path) -> None:
    folder = CASES / "float-ids"
    with pytest.raises(TooManyRejects, match="40 of 40 rows do not fit"):
        imported(folder / "c.parquet", load_mapping(folder / "map-c.toml"), tmp_path / "r.csv", max_rejects=0.05)
    reject = (tmp_path / "r.csv").read_text().splitlines()[1]
    assert ",1,,,id,2.617" in reject
    assert "is a number that is no integer, or too large for one: keep it as text in the source" in reject


@pytest.mark.parametrize("file", ["ts.parquet", "date.parquet", "date.csv"])
def test_a_term_is_a_day_where_the_mapping_says_so(file: str, tmp_path: Path) -> None:
    folder = CASES / "midnight-terms"
    text = (folder / "map-pq.toml").read_text()
    as_day = text.replace('formats = ["%Y-%m-%d 00:00:00", "iso"]', 'as = "day"')
    assert as_day != text
    for each in (text, as_day):
        found = imported(folder / file, decode_mapping(each.encode(), "m"), tmp_path / "r.csv")
        assert found.kinds == {"received": 20, "term_set": 20, "resolved": 20}
        terms = {event.dossier: event.term for event in found.of(TermSet)}
        assert all(event.occurred_at <= terms[event.dossier] for event in found.of(Resolved))
        assert found.odd == []


def test_terms_that_all_fall_on_midnight_are_told(tmp_path: Path) -> None:
    folder = CASES / "midnight-terms"
    text = (folder / "map-pq.toml").read_text().replace(', formats = ["%Y-%m-%d 00:00:00", "iso"]', "")
    found = imported(folder / "ts.parquet", decode_mapping(text.encode(), "m"), tmp_path / "r.csv")
    (warning,) = found.odd
    assert warning.startswith("all 20 terms in 'due' are at midnight")
    assert 'as = "day"' in warning
    assert {event.term - event.occurred_at for event in found.of(TermSet)} == {timedelta(days=9, hours=16)}


def test_an_array_of_nested_objects_is_read(tmp_path: Path) -> None:
    folder = CASES / "json"
    mapping = load_mapping(folder / "map.toml")
    for format_ in ("json", "jsonl"):
        found = imported((folder / "array.json").read_bytes(), mapping, tmp_path / "r.csv", format_=format_)
        assert [(event.agency, event.channel) for event in found.of(Received)] == [
            ("Transport", "direct"),
            ("Streets", "online"),
        ]


def test_amounts_are_read_as_people_write_them(tmp_path: Path) -> None:
    folder = CASES / "amounts"
    found = imported(folder / "vnd.csv", load_mapping(folder / "vnd.toml"), tmp_path / "r.csv")
    assert len(found.of(Received)) == 8
    paid = {event.dossier: event.amount for event in found.of(Paid)}
    assert paid == {f"V-{number}": 150_000 for number in (1, 2, 3, 4, 5, 7)} | {"V-8": 0}
    (reject,) = found.rejects
    assert (reject["line"], reject["event"], reject["column"], reject["value"], reject["reason"]) == (
        "7",
        "paid",
        "fee",
        "1.5E+5",
        "is not an amount",
    )
