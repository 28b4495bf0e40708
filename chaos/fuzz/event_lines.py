"""Hostile envelopes: valid events of every kind, and everything that can be wrong with them.

A line is made as keys and raw JSON values, so that it can say what no JSON writer would: keys twice, numbers beyond
reason, half a surrogate pair.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any, get_args

import msgspec

from chaos.fuzz.byte_mutation import mutated
from connectors.files.mapping import base_type
from schemas.envelope import MAX_EVENT_BYTES, MAX_LINES
from schemas.events import KINDS
from schemas.instant import EARLIEST, LATEST, from_micros, to_micros

Pairs = list[tuple[str, str]]
"""Keys and values as they stand in the line, both raw JSON."""

DOSSIERS = tuple(f"H01.2026.{number}" for number in range(9))
NAMES = ("H01", "H02", "Sở Xây dựng", "T1", "T2", "1.004194", "a:b", "n" * 100, "𝕳" * 100, "e\u0301" * 50)
"""Texts within the limits of names; few, so that events meet."""
OFFICIALS = ("cb-1", "H26.17/0012", "7" * 100)
OFFSETS = (0, 0, 420, -570, 345, 1439, -1439)
"""Minutes from UTC."""
TAKES_EVENTS = 0.35
"""The share of lines that are left as they are."""

_ASTRAL, _ESCAPED = "𝕳", "\\ud835\\udd73"
HOSTILE = (
    "null", "true", "false", "0", "-0", "-0.0", "-1", "1", "5", "6", "1000", "1001", "10000", "10001", "65536", "1e0",
    "1e3", "1E400", "-1e400", "1.0", "1.5", "01", "+1", ".5", "5.", "0x10", "1_0", "1e", "--1", "1000000000000",
    "1000000000001", str(2**63 - 1), str(2**63), str(2**64 - 1), str(2**64), str(-(2**63) - 1), "9" * 400, "9" * 5000,
    "-" + "9" * 5000, "0." + "0" * 400 + "1", "NaN", "-NaN", "nan", "Infinity", "-Infinity", "undefined", "None", "",
    "[]", "{}", "[null]", '{"a":1}', "[" * 200 + "]" * 200, "[" * 3000, '{"a":' * 3000, "{" * 500, '"', "'a'", '""',
    '" "', '"\\u0000"', '"\0"', '"\t"', '"\\x41"', '"\\u12"', '"\\ud800"', '"\\udfff"', '"\\udc00\\ud800"', '"\\q"',
    '"' + "a" * 100 + '"', '"' + "a" * 101 + '"', '"' + "r" * 200 + '"', '"' + "r" * 201 + '"',
    f'"{_ASTRAL * 100}"', f'"{_ASTRAL * 101}"', f'"{_ESCAPED * 100}"', f'"{_ESCAPED * 101}"',
    '"' + "\\u0001" * 100 + '"',
    '"' + "\\n" * 100 + '"', '"\u2028\u2029\u202e\ufeff"', '"\ufffe\uffff"', '"1"', '"true"', '"1.0"', '"__proto__"',
    '"\'; DROP TABLE events; --"', '"online"', '"Online"', '"cash"', '"received"', '"dossier"', '"2026-03-01"',
)  # fmt: skip
INSTANTS = (
    "1999-12-31T23:59:59.999999Z", "2000-01-01T00:00:00Z", "1999-12-31T23:59:59-00:01", "2000-01-01T00:00:00+00:01",
    "2000-01-01T23:58:59.999999+23:59", "2000-01-01T23:59:00+23:59", "2099-12-31T23:59:59.999999Z",
    "2099-12-31T23:59:59.9999999Z", "2099-12-31T23:59:59.999999999999Z", "2100-01-01T00:00:00Z",
    "2099-12-31T00:00:59.999999-23:59", "2099-12-31T00:01:00-23:59", "2100-01-01T13:59:59+14:00",
    "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.9999999-14:00", "9999-12-31T23:59:59Z",
    "0000-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "-2026-01-01T00:00:00Z", "2016-12-31T23:59:60Z",
    "2016-12-31T23:59:60.5+00:00", "2026-03-01T24:00:00Z", "2026-03-01T23:60:00Z", "2026-02-29T00:00:00Z",
    "2028-02-29T12:00:00Z", "2026-13-01T00:00:00Z", "2026-03-01T09:00:00+24:00", "2026-03-01T09:00:00+00:60",
    "2026-03-01T09:00:00+0700", "2026-03-01T09:00:00+07", "2026-03-01T09:00:00+07:00:30", "2026-03-01T09:00:00",
    "2026-03-01 09:00:00Z", "2026-03-01t09:00:00z", "2026-03-01T09:00Z", "2026-03-01T09:00:00.Z", "2026-03-01T09Z",
    "2026-03-01T09:00:00,5Z", "20260301T090000Z", "2026-W09-7T09:00:00Z", "2026-060T09:00:00Z", "2026-03-01",
    "2026-03-01T09:00:00.0000001Z", "2026-03-01T09:00:00.1234565Z", "2026-03-01T09:00:00.123456789012345678901234Z",
    "2026-03-01T09:00:00−07:00", "２０２６-03-01T09:00:00Z", " 2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z ", "0",
)  # fmt: skip
KEYS = (
    "__proto__", "constructor", "prototype", "toString", "__class__", "__dict__", "__init__", "", " ", "id ", "ID",
    "Kind", "kínd", "\\u0069d", "\\ud800", "$.id", "a`b", "id`", "tag", "type", "payload", "line", "recorded",
    "k" * 5000,
)  # fmt: skip


def valid_line(chance: Random, dossiers: Sequence[str] = DOSSIERS) -> bytes:
    """A line that holds an event of any kind, with any of its fields."""
    return _joined(_pairs(chance, dossiers))


def hostile_line(chance: Random, dossiers: Sequence[str] = DOSSIERS) -> bytes:
    """A line that may be anything, often still an event."""
    pairs = _pairs(chance, dossiers)
    if chance.random() < TAKES_EVENTS:
        return _joined(pairs)
    way = chance.randrange(10)
    if way < 5:
        for _ in range(chance.choice((1, 1, 2))):
            _spoil(chance, pairs)
        return _joined(pairs)
    line = _joined(pairs)
    if way < 8:
        return mutated(chance, line, [valid_line(chance), b"\xef\xbb\xbf" + line, chance.randbytes(9)])
    return _dressed(chance, line)


def hostile_envelope(chance: Random, dossiers: Sequence[str] = DOSSIERS) -> bytes | None:
    """What a record may hold: a few lines as a rule, and at times none, thousands, or no lines at all."""
    way = chance.randrange(400)
    if way == 0:
        return None
    if way == 1:
        return chance.choice((b"", b"\n", b"\n\n", b"\0", b"\r", b"\xef\xbb\xbf", b" ", b"{}", b"null", b"[" * 99_999))
    if way == 2:
        lines = [b"0"] * chance.choice((MAX_LINES - 1, MAX_LINES, MAX_LINES + 1, 3 * MAX_LINES))
        lines[chance.randrange(len(lines))] = valid_line(chance, dossiers)
        return b"\n".join(lines) + chance.choice((b"", b"\n", b"\n\n"))
    if way == 3:
        return chance.randbytes(chance.randrange(300))
    lines = [hostile_line(chance, dossiers) for _ in range(chance.choice((1, 1, 1, 2, 5)))]
    if chance.random() < 0.1:
        lines.append(chance.choice(lines))
    envelope = chance.choice((b"\n", b"\n", b"\n", b"\r\n")).join(lines) + chance.choice((b"", b"", b"\n", b"\r\n"))
    return mutated(chance, envelope, lines) if chance.random() < 0.05 else envelope


def _joined(pairs: Pairs) -> bytes:
    return ("{" + ",".join(f'"{key}":{value}' for key, value in pairs) + "}").encode()


_FIELDS: dict[str, list[tuple[str, Any, bool]]] = {
    name: [(field.encode_name, field.type, field.required) for field in msgspec.structs.fields(kind)]
    for name, kind in KINDS.items()
}
"""The fields of each kind: name, type without None, and whether it must be there."""


def _pairs(chance: Random, dossiers: Sequence[str]) -> Pairs:
    kind = chance.choice(tuple(KINDS))
    pairs = [("kind", f'"{kind}"')]
    for name, hint, required in _FIELDS[kind]:
        if required or chance.random() < 0.5:
            pairs.append((name, _text(_value(chance, name, hint, dossiers))))
    if kind == "digitised":
        # The only fields with a bond: what was digitised is part of the whole.
        pairs = [(name, "10000" if name == "components" else value) for name, value in pairs]
    return pairs


def _text(value: object) -> str:
    return f'"{value.isoformat()}"' if isinstance(value, datetime) else json.dumps(value, ensure_ascii=False)


def _value(chance: Random, name: str, hint: Any, dossiers: Sequence[str]) -> object:
    if name == "dossier":
        return chance.choice(dossiers)
    if name == "id":
        return f"e{chance.randrange(50)}"
    if name == "official":
        return chance.choice(OFFICIALS)
    given = next(part for part in (get_args(hint) or (hint,)) if part is not type(None))
    choices = get_args(given) or get_args(hint)
    if choices and all(isinstance(choice, str) for choice in choices):
        return chance.choice(choices)
    plain = base_type(given)
    if plain is datetime:
        return _instant(chance)
    if plain is bool:
        return chance.random() < 0.5
    if plain is int:
        return chance.choice((1, 1, 2, 3, 5))
    return chance.choice(NAMES)


def _instant(chance: Random) -> datetime:
    moment = chance.choice(
        (
            EARLIEST,
            LATEST - timedelta(microseconds=1),
            datetime(2026, 3, 31, 16, 59, 59, 999_999, tzinfo=UTC),
            from_micros(chance.randrange(to_micros(EARLIEST), to_micros(LATEST))),
        )
    )
    return moment.astimezone(timezone(timedelta(minutes=chance.choice(OFFSETS))))


def _spoil(chance: Random, pairs: Pairs) -> None:
    """Make one thing wrong with the keys or values."""
    place = chance.randrange(len(pairs))
    key, value = pairs[place]
    match chance.randrange(9):
        case 0 | 1 | 2:
            instant = key.endswith("_at") or key == "term"
            hostile = f'"{chance.choice(INSTANTS)}"' if instant and chance.random() < 0.8 else chance.choice(HOSTILE)
            pairs[place] = key, hostile
        case 3:
            del pairs[place]
            pairs = pairs or [(key, value)]
        case 4:
            pairs.insert(chance.randrange(len(pairs) + 1), (key, chance.choice((value, chance.choice(HOSTILE)))))
        case 5:
            pairs.insert(chance.randrange(len(pairs) + 1), (chance.choice(KEYS), chance.choice(HOSTILE)))
        case 6:
            pairs[place] = chance.choice(KEYS), value
        case 7:
            pairs[place] = key, pairs[chance.randrange(len(pairs))][1]
        case _:
            pairs.append((chance.choice(tuple(KINDS)), value))
            chance.shuffle(pairs)


def _dressed(chance: Random, line: bytes) -> bytes:
    """The line with something around it, or something that is no object."""
    match chance.randrange(10):
        case 0:
            return b"\xef\xbb\xbf" + line
        case 1:
            return line.replace(b",", chance.choice((b" , ", b",\t", b",\r", b",\x0b", b",\xc2\xa0", b",,", b";")))
        case 2:
            return line + chance.choice((b"\r", b" ", b"\t ", b"\0", b",", b"}", line, b"//", b"\xff"))
        case 3:
            size = chance.choice((MAX_EVENT_BYTES - 1, MAX_EVENT_BYTES, MAX_EVENT_BYTES + 1, 3 * MAX_EVENT_BYTES))
            return line[:-1] + b',"note":"' + b"x" * max(size - len(line) - 10, 0) + b'"}'
        case 4:
            return b"[" + line + b"]"
        case 5:
            return json.dumps(line.decode(errors="replace")).encode()
        case 6:
            return line.decode(errors="replace").encode("utf-16")
        case 7:
            return chance.choice(HOSTILE).encode()
        case 8:
            return b'{"deep":' * chance.choice((10, 900, 1100, 5000)) + line
        case _:
            return chance.randbytes(chance.randrange(60))
