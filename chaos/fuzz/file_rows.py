"""Hostile rows and mappings for the import of files: a row gives events or is refused, whatever its cells hold."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from random import Random

from chaos.fuzz.byte_mutation import mutated
from chaos.fuzz.event_lines import INSTANTS, NAMES
from connectors.errors import WrongMapping
from connectors.files.cell_values import Cell
from connectors.files.mapping_file import decode_mapping
from connectors.files.row import Row
from connectors.files.row_mapper import RowMapper
from schemas.envelope import decode_event, encode_event

MAPPING = b"""
source = "fuzz"
time_zone = "Asia/Ho_Chi_Minh"
formats = ["iso", "epoch_s", "epoch_us", "%Y%m%d%H%M%S", "%d/%m/%Y"]
dossier = { column = "dossier" }
recorded_at = { column = "recorded", optional = true }

[[events]]
kind = "received"
occurred_at = { column = "at" }
seq = { column = "number" }
key = ["key"]
[events.fields]
agency = { column = "name", default = "H01" }
channel = { column = "channel", values = { "1" = "direct", "2" = "online" }, default = "postal" }
fee_bearing = { column = "flag" }

[[events]]
kind = "paid"
occurred_at = { column = "at" }
when = { column = "key", one_of = ["", "paid", "1"] }
seq = "occurred_at"
[events.fields]
transaction = { column = "name", empty = ["-"] }
amount = { column = "number", decimal = ",", times = 100 }
method = "online"

[[events]]
kind = "term_set"
occurred_at = { column = "at" }
required = true
[events.fields]
term = { column = "term", as = "day" }

[[events]]
kind = "transferred"
occurred_at = { column = "at" }
when = { column = "term", not_empty = true }
[events.fields]
agency = { column = "name", as = "integer" }
previous_agency = { column = "channel", required = true, as = "text" }
"""
WORDS = (
    b'""', b'"%Z"', b'"%"', b'"%Y%j"', b'"%G-W%V-%u"', b'"%s"', b'"\\u0000"', b'"../../etc/passwd"', b'"America"',
    b"true",
    b'"Mars/Olympus"', b"0", b"-1", b"1.5", b"nan", b"1979-05-27T07:32:00", b"[]", b"{}", b'["a", "a"]', b'"\\ud800"',
    b"9" * 5000, b'{ column = "x" }', b'"' + b"x" * 101 + b'"', b"''", b'"\xff"',
)  # fmt: skip
"""What may stand in a mapping where another text is meant."""
_WORD = re.compile(rb'"[^"\n]*"')
CELLS: tuple[Cell, ...] = (
    None, "", " ", "-", "0", "1", "2", "+1", "-1", "1.0", "1e3", "9" * 19, "-" + "9" * 19, "9" * 5000, "0x1", "١",
    "true", "No", "paid", "H01", "\0", "a\0b", "\ufeff", "x" * 101, "𝕳" * 100, "20260301090000", "01/03/2026",
    "31/02/2026", "00000000000000", "1772330400", "1" * 30, "-" * 30, *INSTANTS, *NAMES,
    0, 1, -1, 2**63, 2**64, -(2**63) - 1, 10**30, 0.0, -0.0, 1.5, 1e3, 1e19, -1e19, 1e300, float("nan"), float("inf"),
    float("-inf"), True, False, date.min, date.max, date(2026, 3, 1), datetime.min, datetime.max,
    datetime(2026, 3, 1, 9, 0), datetime(2026, 3, 1, 9, 0, tzinfo=UTC), datetime.min.replace(tzinfo=UTC),
    datetime.max.replace(tzinfo=timezone(timedelta(hours=-14))),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=14))), Decimal("1.50"), Decimal("NaN"), Decimal("1E+999999"),
    2.0**53, "1.500,00", "150.000 đ", "2.617E+16", "NULL", "20260000.0", "e\u0301",
)  # fmt: skip
COLUMNS = ("dossier", "recorded", "at", "number", "key", "name", "channel", "flag", "term")
_GOOD: dict[str, Cell] = {
    "dossier": "D1", "recorded": None, "at": "2026-03-01T09:00:00Z", "number": "5", "key": "", "name": "H02",
    "channel": "2", "flag": "yes", "term": "2026-03-09",
}  # fmt: skip
_NOW = datetime(2026, 6, 1, tzinfo=UTC)
_RULE = RowMapper(decode_mapping(MAPPING, "fuzz"), _NOW, _NOW)


def hostile_row(chance: Random) -> Row:
    """A row in which up to four cells hold anything, and some columns may be missing."""
    cells = dict(_GOOD)
    for _ in range(chance.randrange(1, 5)):
        cells[chance.choice(COLUMNS)] = chance.choice(CELLS)
    if chance.random() < 0.1:
        del cells[chance.choice(tuple(cells))]
    return Row(1, cells, "")


def row_wrong(row: Row, outcomes: Counter[str]) -> Iterator[str]:
    """It gives events that a decoder takes, or the reason why not."""
    mapped = _RULE.events_of(row)
    outcomes["row refused" if mapped.rejects and not mapped.events else "row taken"] += 1
    if not all(reject.reason for reject in mapped.rejects):
        yield "it is refused without a reason"
    for _, event in mapped.events:
        if decode_event(encode_event(event)) != event:
            yield f"its {type(event).__name__} is another one once it is read again"


def hostile_mapping(chance: Random) -> bytes:
    """A mapping file with random damage."""
    if chance.random() < 0.2:
        return MAPPING + b"x = " + chance.choice((b"[", b"{a=", b"'''", b"[[")) * chance.choice((1, 50, 5000))
    if chance.random() < 0.6:
        words = list(_WORD.finditer(MAPPING))
        word = chance.choice(words)
        return MAPPING[: word.start()] + chance.choice((*WORDS, chance.choice(words)[0])) + MAPPING[word.end() :]
    return mutated(chance, MAPPING, [b"1979-05-27T07:32:00", b'"\\ud800"', b"[[events]]", b"%Q%!%%", b"[" * 3000])


def mapping_wrong(text: bytes, outcomes: Counter[str]) -> Iterator[str]:
    """It is taken, or refused in one line."""
    try:
        decode_mapping(text, "fuzz")
    except WrongMapping as error:
        outcomes["mapping refused"] += 1
        if "fuzz" not in str(error):
            yield "it is refused without being named"
    else:
        outcomes["mapping taken"] += 1
