"""Raw events as an audit reads them: each with its register and its position in the log."""

from collections.abc import Collection, Generator, Iterator, Mapping
from contextlib import closing
from functools import lru_cache
from typing import Any

import msgspec
import orjson
from clickhouse_driver import Client
from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.events import KINDS, Event
from schemas.instant import EARLIEST
from streams.audit.cutoff import CUT, POSITION, Cut
from streams.counting.log_position import pack
from streams.counting.registers import Register, register_of
from streams.errors import RefusedRow
from streams.storage.clickhouse_client import ExternalTable, chunks, connect, external_table

_NAMES_AT_ONCE = 20_000


class Part(Struct, frozen=True):
    """A part of the dossiers: a condition in SQL, and the names in the table `asked`, if the condition uses it."""

    where: str = "1"
    parameters: Mapping[str, str] = {}
    names: Collection[str] | None = None


def parts_of(names: Collection[str]) -> Iterator[Part]:
    """These dossiers in parts of some thousands."""
    for chunk in chunks(sorted(names), _NAMES_AT_ONCE):
        yield Part("dossier IN asked", {}, chunk)


def stream_rows(
    clickhouse: ClickHouseConnection, sql: str, part: Part, **parameters: object
) -> Generator[tuple[Any, ...], None, None]:
    """Stream the rows of a query over a part of the dossiers; raises what the driver does."""
    asked = None if part.names is None else _asked(part.names)
    client = connect(clickhouse, strings_as_bytes=True)
    try:
        yield from client.execute_iter(sql, {**part.parameters, **parameters}, external_tables=asked)
    finally:
        client.disconnect()


class RawEvent(Struct, frozen=True, gc=False):
    """A raw event: its partition, position and register.

    `is_next` is False where it is another recording of the event before it; `is_conflict` marks the second content of
    an id.
    """

    partition: int
    pos: int
    register: Register
    is_next: bool
    is_conflict: bool


def read_raw_events(clickhouse: ClickHouseConnection, part: Part) -> Generator[tuple[bytes, RawEvent], None, None]:
    """All rows of raw events of these dossiers, by dossier; several recordings of one event may be among them.

    It reads without FINAL: folding is idempotent, and a replaced row shows what was known before. Raises what the
    driver does, and RefusedRow for an event that this version does not know.
    """
    sql = (
        "SELECT dossier, id, kind, toUnixTimestamp64Micro(occurred_at), toUnixTimestamp64Micro(recorded_at), seq, "  # noqa: S608  # our names
        f"payload, epoch, partition, offset, line, digest FROM events WHERE {part.where} ORDER BY dossier, id, digest"
    )
    before: tuple[Any, ...] = ()
    contents = 0
    with closing(stream_rows(clickhouse, sql, part)) as found:
        for dossier, id_, kind, occurred, recorded, seq, payload, epoch, partition, offset, line, digest in found:
            name = id_.decode()
            try:
                plain = kind.decode()
                register = recorded, seq, name, plain, occurred, _payload(plain, payload)
            except (KeyError, ValueError) as error:  # msgspec's and orjson's errors are ValueErrors
                raise RefusedRow(
                    f"the table events holds an event that this version does not know ({error}): {name!r} of "
                    f"{dossier.decode()!r}, kind {kind.decode()!r}; use the version that counted it, or a later one"
                ) from error
            key = dossier, id_, digest
            is_next = key != before
            if is_next:
                contents = contents + 1 if key[:2] == before[:2] else 1
            yield dossier, RawEvent(partition, pack(epoch, offset, line), register, is_next, is_next and contents == 2)
            before = key


_ANY_FIELDS: dict[str, object] = {"id": "x", "dossier": "x", "source": "x", "occurred_at": EARLIEST}


@lru_cache(65_536)
def _payload(kind: str, payload: bytes) -> tuple[Any, ...]:
    """The payload's part of a register; cached, as many events share a payload."""
    event: Event = msgspec.convert(orjson.loads(payload) | _ANY_FIELDS | {"kind": kind}, KINDS[kind])
    return register_of(event)[5]


def may_have_replaced(client: Client, part: Part, cut: Cut) -> set[str]:
    """Those of the dossiers that have a raw event beyond the cut that may have replaced one before it.

    Rows of a part that was never merged have replaced nothing. Raises what the driver does.
    """
    sql = (
        "SELECT DISTINCT dossier FROM events "  # noqa: S608  # our names
        f"WHERE {part.where} AND {POSITION} > {CUT} AND toUInt32OrZero(splitByChar('_', _part)[4]) > 0"
    )
    return {name for (name,) in client.execute(sql, cut.parameters(), external_tables=_asked(part.names or ()))}


def _asked(names: Collection[str]) -> ExternalTable:
    return external_table({"dossier": "String"}, ((name,) for name in names))
