"""The topics against the tables: every line of a record is an event or a dead letter, and no event comes from nowhere.

It is what shows a case that was taken out of every table at once. It reaches back as far as the topics do.
"""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
from clickhouse_cityhash.cityhash import CityHash64
from clickhouse_driver import Client
from clickhouse_driver.errors import Error
from msgspec import Struct
from numpy.typing import NDArray

from schemas.connection import ClickHouseConnection, KafkaConnection, Secret
from schemas.envelope import decode
from schemas.events import Event
from schemas.partition import partitions_of
from schemas.topics import EVENTS
from streams.alerts.topic import read_alerts
from streams.audit.findings import Finding
from streams.audit.throttle import Throttle
from streams.counting.record import Record
from streams.counting.registers import register_of
from streams.counting.rows import payload_of
from streams.rebuild.replay import records_from_topic
from streams.storage.clickhouse import connect, explain
from streams.storage.identity import read_history
from streams.storage.offsets import disagreement, read_offsets

_LINES_AT_ONCE = 1_000_000
_SHOWN = 50
_CONTENT = (
    "cityHash64(concat(dossier, char(0), id, char(0), kind, char(0), source, char(0), "
    "toString(toUnixTimestamp64Micro(occurred_at)), char(0), payload))"
)

_Hashes = NDArray[np.uint64]


class Read(Struct, frozen=True):
    """What was found, how many records it was read from, and where each partition was read up to, not including."""

    findings: Sequence[Finding]
    records: int
    ends: Mapping[int, int]


class _Lines(Struct):
    """Lines of the records from `first` up to `next`: of events hashes and offsets, of others their places."""

    partition: int
    first: int
    next: int
    hashes: "array[int]" = msgspec.field(default_factory=lambda: array("Q"))
    offsets: "array[int]" = msgspec.field(default_factory=lambda: array("Q"))
    dead: set[tuple[int, int]] = msgspec.field(default_factory=set)
    records: int = 0


class Topic:
    """Compares the topics of this Kafka with the tables.

    Raises Unreachable, NotMigrated, or Diverged where the topic is not the one that was counted.
    """

    def __init__(
        self,
        kafka: KafkaConnection,
        clickhouse: ClickHouseConnection,
        throttle: Throttle | None = None,
        alert_key: Secret | None = None,
    ) -> None:
        self._kafka = kafka
        self._alert_key = alert_key
        self._clickhouse = clickhouse
        self._pace = throttle or Throttle()

    def compare(self, since: Mapping[int, int] | None = None) -> Read:
        """What was counted of the topic, from its start or from these offsets on; and alerts."""
        client = connect(self._clickhouse)
        try:
            findings = list(self._alerts(client))
            # Before the records are read: what is counted by now is in the tables.
            standings = read_offsets(self._kafka, self._clickhouse)
            if any(at.is_replaced for at in standings) and (error := disagreement(standings)):
                raise error
            starts = {at.partition: max(at.first, (since or {}).get(at.partition, 0)) for at in standings}
            ends = {at.partition: max(starts[at.partition], min(at.next, at.end)) for at in standings}
            counted = self._counted(client)
            found: Counter[int] = Counter()
            for part in self._parts(starts, ends):
                for lines in part:
                    findings += self._differences(client, lines, len(standings))
                    found[lines.partition] += lines.records
                self._pace.rest()
            for partition, (offset, records, given_up) in counted.items():
                # Only a topic that begins at its beginning and was read to where that count is of.
                is_whole = starts.get(partition) == 0 and ends[partition] == offset + 1
                # Gaps of before there was a ledger are among its records.
                if is_whole and not found[partition] <= records <= found[partition] + given_up:
                    should = f"{found[partition]} on the topic"
                    findings.append(Finding("progress", f"partition {partition}", f"{records} records", should))
        except (Error, OSError, EOFError) as error:
            raise explain(error, self._clickhouse) from error
        finally:
            client.disconnect()
        return Read(findings, found.total(), ends)

    def _counted(self, client: Client) -> dict[int, tuple[int, int, int]]:
        """Of each partition the last offset, the records that progress says were counted, and those given up."""
        named = {"topic": EVENTS}
        gaps = dict(
            client.execute(
                "SELECT partition, sum(to_offset + 1 - from_offset) FROM gaps FINAL "
                "WHERE topic = %(topic)s GROUP BY partition",
                named,
            )
        )
        sql = "SELECT partition, offset, records FROM progress FINAL WHERE topic = %(topic)s"
        return {at: (offset, records, gaps.get(at, 0)) for at, offset, records in client.execute(sql, named)}

    def _parts(self, starts: Mapping[int, int], ends: Mapping[int, int]) -> Iterator[list[_Lines]]:
        """What the records say, by partition, a million lines at a time."""
        parts = {partition: _Lines(partition, start, start) for partition, start in starts.items()}
        size = 0
        with closing(records_from_topic(self._kafka, starts, ends)) as records:
            for record in records:
                if record.is_hole:
                    parts[record.partition].next = record.offset + 1
                    continue
                if size >= _LINES_AT_ONCE:
                    yield list(parts.values())
                    parts = {each.partition: _Lines(each.partition, each.next, each.next) for each in parts.values()}
                    size = 0
                lines = parts[record.partition]
                events, dead = _said(record, len(starts))
                lines.hashes.extend(_hash(event) for _, event in events)
                lines.offsets.extend([record.offset] * len(events))
                lines.dead.update((record.offset, line) for line in dead)
                lines.records += 1
                lines.next = record.offset + 1
                size += len(events)
        for lines in parts.values():
            lines.next = ends[lines.partition]
        yield list(parts.values())

    def _differences(self, client: Client, lines: _Lines, partitions: int) -> Iterator[Finding]:
        """What is on the topic and not stored, and what is stored and not on the topic."""
        span = {"topic": EVENTS, "partition": lines.partition, "first": lines.first, "next": lines.next}
        within = "partition = %(partition)s AND offset >= %(first)s AND offset < %(next)s"
        sql = f"SELECT offset, line FROM dead_letters FINAL WHERE topic = %(topic)s AND {within}"  # noqa: S608  # ours
        for offset, line in sorted(lines.dead.difference(client.execute(sql, span)))[:_SHOWN]:
            yield Finding("topic", _place(lines.partition, offset, line), "nothing", "a dead letter")
        said: _Hashes = np.array(lines.hashes, np.uint64)
        # An event stands under its last recording, and so maybe elsewhere: then it is looked for everywhere.
        stored = _column(client, f"SELECT {_CONTENT} FROM events WHERE {within}", span)  # noqa: S608  # ours
        missing = np.unique(said[~np.isin(said, stored)])
        if len(missing):
            sql = f"SELECT {_CONTENT} AS content FROM events WHERE content IN asked"  # noqa: S608  # ours
            missing = missing[~np.isin(missing, _column(client, sql, {}, missing))]
        if len(missing):
            yield from self._missing(client, lines, said, missing, partitions)
        # Positions of epochs that counted another topic, or of before there were epochs, are not those of this one.
        epochs = _epochs(client)
        if epochs and len(unsent := np.unique(stored[~np.isin(stored, said)])):
            sql = (
                f"SELECT dossier, id, offset, line FROM events FINAL WHERE {within} AND epoch IN %(epochs)s "  # noqa: S608  # ours
                f"AND {_CONTENT} IN asked ORDER BY offset, line LIMIT {_SHOWN}"
            )
            rows = client.execute(sql, span | {"epochs": epochs}, external_tables=_asked(unsent))
            for dossier, id_, offset, line in rows:
                place = _place(lines.partition, offset, line)
                yield Finding("topic", place, f"event {id_} of {dossier}", "no such event on the topic")

    def _missing(
        self, client: Client, lines: _Lines, said: _Hashes, missing: _Hashes, partitions: int
    ) -> Iterator[Finding]:
        """The events of these hashes, from the records that they came in."""
        offsets, counts = np.unique(np.array(lines.offsets, np.uint64)[np.isin(said, missing)], return_counts=True)
        span = {"topic": EVENTS, "partition": lines.partition, "first": lines.first, "next": lines.next}
        # What a full dossier did not take is an event by itself, and a dead letter by the order of the log.
        full = set(
            client.execute(
                "SELECT offset, line FROM dead_letters FINAL WHERE topic = %(topic)s AND partition = %(partition)s "
                "AND offset >= %(first)s AND offset < %(next)s AND reason = 'full'",
                span,
            )
        )
        refused = Counter(offset for offset, _ in full)
        taken = [each for each, count in zip(offsets.tolist(), counts.tolist(), strict=True) if count > refused[each]]
        for offset in taken[:_SHOWN]:
            with closing(
                records_from_topic(self._kafka, {lines.partition: offset}, {lines.partition: offset + 1})
            ) as records:
                for record in (each for each in records if not each.is_hole):
                    for line, event in _said(record, partitions)[0]:
                        if _hash(event) in missing and (offset, line) not in full:
                            what = f"event {event.id} of {event.dossier}"
                            yield Finding("topic", _place(lines.partition, offset), "nothing", what)

    def _alerts(self, client: Client) -> Iterator[Finding]:
        """Alerts of which the table says something else than the topic; as far as the table follows it."""
        columns = "seq, dossier, state, level, why, agency"
        stored = iter(client.execute(f"SELECT DISTINCT {columns} FROM dossier_alerts ORDER BY seq"))  # noqa: S608  # ours
        said = (
            (alert.seq, alert.dossier, alert.state, alert.level, alert.why, alert.agency)
            for _, alert in read_alerts(self._kafka, 0, self._alert_key)
        )
        first = next(said, None)
        row: tuple[Any, ...] | None = next(stored, None)
        while row is not None and first is not None and row[0] < first[0]:
            row = next(stored, None)  # older than what the topic still has
        while row is not None and first is not None:
            if row != first:
                yield Finding("alerts", f"alert {min(row[0], first[0])}", _told(row), _told(first))
                return
            row, first = next(stored, None), next(said, None)
        if row is not None and first is None:
            yield Finding("alerts", f"alert {row[0]}", _told(row), "no such alert on the topic")


def _said(record: Record, partitions: int) -> tuple[list[tuple[int, Event]], list[int]]:
    """The events of a record with their lines, and the lines of it that are dead letters."""
    decoded = decode(record.value, datetime.fromtimestamp(record.published / 1000, UTC))
    dead = [rejection.line for rejection in decoded.rejections]
    places = partitions_of([event.dossier for _, event in decoded.events], partitions) if decoded.events else []
    ours: list[tuple[int, Event]] = []
    for (line, event), place in zip(decoded.events, places, strict=True):
        if place == record.partition:
            ours.append((line, event))
        else:
            dead.append(line)
    return ours, dead


def _hash(event: Event) -> int:
    register = register_of(event)
    fields = event.dossier, event.id, register[3], event.source, str(register[4])
    content = "\0".join(fields).encode() + b"\0" + payload_of(event, register)
    hashed: int = CityHash64(content)
    return hashed


def _epochs(client: Client) -> list[int]:
    """The epochs whose positions are those of the topic that is counted today."""
    history = read_history(client)
    serving = history.serving
    return [
        entry.epoch - back
        for entry in history.entries
        for back in (0, 1)
        if serving and entry.origin.topic_id == serving.origin.topic_id and entry.epoch - back > 0
    ]


def _column(client: Client, sql: str, parameters: Mapping[str, object], asked: _Hashes | None = None) -> _Hashes:
    tables = None if asked is None else _asked(asked)
    columns = client.execute(sql, parameters, columnar=True, external_tables=tables)
    return np.array(columns[0] if columns else [], np.uint64)


def _asked(hashes: _Hashes) -> list[dict[str, object]]:
    data = [{"content": each} for each in hashes.tolist()]
    return [{"name": "asked", "structure": [("content", "UInt64")], "data": data}]


def _place(partition: int, offset: int, line: int | None = None) -> str:
    return f"partition {partition} offset {offset}{'' if line is None else f' line {line}'}"


def _told(alert: tuple[Any, ...]) -> str:
    return " ".join(map(str, alert))
