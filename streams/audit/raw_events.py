"""Raw events as an audit reads them: what each said, and at which position of the log."""

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
from streams.audit.cut import CUT, POSITION, Cut
from streams.counting.position import pack
from streams.counting.registers import Register, register_of
from streams.errors import RefusedRow
from streams.storage.clickhouse import chunks, connect

_NAMES_AT_ONCE = 20_000


class Part(Struct, frozen=True):
    """Some of the dossiers: a condition on them, and the names that it speaks of, where it names any."""

    where: str = "1"
    parameters: Mapping[str, str] = {}
    names: Collection[str] | None = None


def named(names: Collection[str]) -> Iterator[Part]:
    """These dossiers, some thousands at a time."""
    for some in chunks(sorted(names), _NAMES_AT_ONCE):
        yield Part("dossier IN asked", {}, some)


def rows(
    clickhouse: ClickHouseConnection, sql: str, part: Part, **parameters: object
) -> Generator[tuple[Any, ...], None, None]:
    """The rows of this query over a part of the dossiers, streamed; raises what the driver does."""
    asked = None
    if part.names is not None:
        data = [{"dossier": name.encode()} for name in part.names]
        asked = [{"name": "asked", "structure": [("dossier", "String")], "data": data}]
    client = connect(clickhouse, strings_as_bytes=True)
    try:
        yield from client.execute_iter(sql, {**part.parameters, **parameters}, external_tables=asked)
    finally:
        client.disconnect()


class Said(Struct, frozen=True, gc=False):
    """A raw event: its partition and position, and its record.

    `is_next` says that it is another event than the one before, `is_conflict` that it is the second content of an id.
    """

    partition: int
    pos: int
    register: Register
    is_next: bool
    is_conflict: bool


def said(clickhouse: ClickHouseConnection, part: Part) -> Generator[tuple[bytes, Said], None, None]:
    """All rows of raw events of these dossiers, by dossier; earlier recordings of one may be among them.

    Without FINAL: folding is idempotent, and what was replaced tells what was known before. Raises what the driver
    does, and RefusedRow for an event that is none by this version.
    """
    sql = (
        "SELECT dossier, id, kind, toUnixTimestamp64Micro(occurred_at), toUnixTimestamp64Micro(recorded_at), seq, "  # noqa: S608  # our names
        f"payload, epoch, partition, offset, line, digest FROM events WHERE {part.where} ORDER BY dossier, id, digest"
    )
    before: tuple[Any, ...] = ()
    contents = 0
    with closing(rows(clickhouse, sql, part)) as found:
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
            yield dossier, Said(partition, pack(epoch, offset, line), register, is_next, is_next and contents == 2)
            before = key


_SOMETHING: dict[str, object] = {"id": "x", "dossier": "x", "source": "x", "occurred_at": EARLIEST}


@lru_cache(65_536)
def _payload(kind: str, payload: bytes) -> tuple[Any, ...]:
    """What the register of an event of this kind holds of this payload, which many events share."""
    event: Event = msgspec.convert(orjson.loads(payload) | _SOMETHING | {"kind": kind}, KINDS[kind])
    return register_of(event)[5]


def replacing(client: Client, part: Part, cut: Cut) -> set[str]:
    """Those of the dossiers that have a raw event beyond the cut which may have replaced one before it.

    A part that was never merged has replaced nothing. Raises what the driver does.
    """
    asked = [
        {
            "name": "asked",
            "structure": [("dossier", "String")],
            "data": [{"dossier": name.encode()} for name in part.names or ()],
        }
    ]
    sql = (
        "SELECT DISTINCT dossier FROM events "  # noqa: S608  # our names
        f"WHERE {part.where} AND {POSITION} > {CUT} AND toUInt32OrZero(splitByChar('_', _part)[4]) > 0"
    )
    return {name for (name,) in client.execute(sql, cut.parameters(), external_tables=asked)}
