"""The topics against the tables: each line of a record is an event or a dead letter, and each event has its line.

This shows a case that was removed from all tables. It reaches back as far as the topics do.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import numpy as np
from clickhouse_driver import Client
from msgspec import Struct
from numpy.typing import NDArray

from schemas.connection import ClickHouseConnection, KafkaConnection, Secret
from schemas.topics import EVENTS
from streams.audit.alerts import alert_topic_findings
from streams.audit.findings import Finding
from streams.audit.throttle import Throttle
from streams.audit.topic_lines import CONTENT_HASH, TopicLines, content_hash, lines_of, read_lines
from streams.rebuild.replay import records_from_topic
from streams.storage.clickhouse_client import ExternalTable, database, external_table
from streams.storage.epochs import read_history
from streams.storage.offset_agreement import disagreement, read_offsets

_SHOWN = 50

_Hashes = NDArray[np.uint64]


class TopicAudit(Struct, frozen=True):
    """The findings, how many records were compared, and the offset up to which, excluded, each partition was read."""

    findings: Sequence[Finding]
    records: int
    ends: Mapping[int, int]


class _Counted(Struct, frozen=True):
    """What progress says of a partition: its last offset, its records, and how many offsets were given up as gaps."""

    offset: int
    records: int
    given_up: int


class TopicCheck:
    """Compares the topics of this Kafka with the tables.

    `run` raises Unreachable, NotMigrated, or Diverged where the topic is not the one that was counted.
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
        self._throttle = throttle or Throttle()

    def run(self, since: Mapping[int, int] | None = None) -> TopicAudit:
        """Compare what was counted of the topic, from its start or from these offsets on, and all alerts."""
        with database(self._clickhouse) as client:
            findings = list(alert_topic_findings(client, self._kafka, self._alert_key))
            # Before the records are read: what is counted by now is in the tables.
            offsets = read_offsets(self._kafka, self._clickhouse)
            if any(at.is_replaced for at in offsets) and (error := disagreement(offsets)):
                raise error
            starts = {at.partition: max(at.first, (since or {}).get(at.partition, 0)) for at in offsets}
            ends = {at.partition: max(starts[at.partition], min(at.next, at.end)) for at in offsets}
            counted = _read_counted(client)
            records: Counter[int] = Counter()
            for part in read_lines(self._kafka, starts, ends):
                for lines in part:
                    findings += self._compare(client, lines, len(offsets))
                    records[lines.partition] += lines.records
                self._throttle.rest()
            whole = {at: each for at, each in counted.items() if starts.get(at) == 0 and ends[at] == each.offset + 1}
            findings += _compare_records(whole, records)
        return TopicAudit(findings, records.total(), ends)

    def _compare(self, client: Client, lines: TopicLines, partitions: int) -> Iterator[Finding]:
        """What is on the topic and not stored, and what is stored and not on the topic."""
        span = _span(lines)
        within = "partition = %(partition)s AND offset >= %(first)s AND offset < %(next)s"
        sql = f"SELECT offset, line FROM dead_letters FINAL WHERE topic = %(topic)s AND {within}"  # noqa: S608  # ours
        for offset, line in sorted(lines.dead.difference(client.execute(sql, span)))[:_SHOWN]:
            yield Finding("topic", _place(lines.partition, offset, line), "nothing", "a dead letter")
        sent: _Hashes = np.array(lines.hashes, np.uint64)
        # An event is stored at its last recording, which may be elsewhere: then it is searched for everywhere.
        stored = _column(client, f"SELECT {CONTENT_HASH} FROM events WHERE {within}", span)  # noqa: S608  # ours
        missing = np.unique(sent[~np.isin(sent, stored)])
        if len(missing):
            sql = f"SELECT {CONTENT_HASH} AS content FROM events WHERE content IN asked"  # noqa: S608  # ours
            missing = missing[~np.isin(missing, _column(client, sql, {}, _asked(missing)))]
        if len(missing):
            yield from self._find_missing(client, lines, sent, missing, partitions)
        # Positions of epochs that counted another topic, or of before there were epochs, are not those of this topic.
        epochs = _epochs(client)
        if epochs and len(unsent := np.unique(stored[~np.isin(stored, sent)])):
            sql = (
                f"SELECT dossier, id, offset, line FROM events FINAL WHERE {within} AND epoch IN %(epochs)s "  # noqa: S608  # ours
                f"AND {CONTENT_HASH} IN asked ORDER BY offset, line LIMIT {_SHOWN}"
            )
            rows = client.execute(sql, span | {"epochs": epochs}, external_tables=_asked(unsent))
            for dossier, id_, offset, line in rows:
                place = _place(lines.partition, offset, line)
                yield Finding("topic", place, f"event {id_} of {dossier}", "no such event on the topic")

    def _find_missing(
        self, client: Client, lines: TopicLines, sent: _Hashes, missing: _Hashes, partitions: int
    ) -> Iterator[Finding]:
        """The events of these hashes, read again from their records."""
        offsets, counts = np.unique(np.array(lines.offsets, np.uint64)[np.isin(sent, missing)], return_counts=True)
        # An event that a full dossier did not admit is valid by itself, and a dead letter by the order of the log.
        full = set(
            client.execute(
                "SELECT offset, line FROM dead_letters FINAL WHERE topic = %(topic)s AND partition = %(partition)s "
                "AND offset >= %(first)s AND offset < %(next)s AND reason = 'full'",
                _span(lines),
            )
        )
        refused = Counter(offset for offset, _ in full)
        affected = [at for at, count in zip(offsets.tolist(), counts.tolist(), strict=True) if count > refused[at]]
        for offset in affected[:_SHOWN]:
            with closing(
                records_from_topic(self._kafka, {lines.partition: offset}, {lines.partition: offset + 1})
            ) as records:
                for record in (each for each in records if not each.is_gap):
                    for line, event in lines_of(record, partitions)[0]:
                        if content_hash(event) in missing and (offset, line) not in full:
                            event_name = f"event {event.id} of {event.dossier}"
                            yield Finding("topic", _place(lines.partition, offset), "nothing", event_name)


def _read_counted(client: Client) -> dict[int, _Counted]:
    parameters = {"topic": EVENTS}
    gaps = dict(
        client.execute(
            "SELECT partition, sum(to_offset + 1 - from_offset) FROM gaps FINAL "
            "WHERE topic = %(topic)s GROUP BY partition",
            parameters,
        )
    )
    sql = "SELECT partition, offset, records FROM progress FINAL WHERE topic = %(topic)s"
    rows = client.execute(sql, parameters)
    return {partition: _Counted(offset, records, gaps.get(partition, 0)) for partition, offset, records in rows}


def _compare_records(counted: Mapping[int, _Counted], found: Mapping[int, int]) -> Iterator[Finding]:
    """Partitions that were read whole, and whose progress has another number of records."""
    for partition, each in counted.items():
        # Gaps that were accepted before there was a ledger are among its records.
        if not found[partition] <= each.records <= found[partition] + each.given_up:
            stored, should = f"{each.records} records", f"{found[partition]} on the topic"
            yield Finding("progress", f"partition {partition}", stored, should)


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


def _column(client: Client, sql: str, parameters: Mapping[str, object], asked: ExternalTable | None = None) -> _Hashes:
    columns = client.execute(sql, parameters, columnar=True, external_tables=asked)
    return np.array(columns[0] if columns else [], np.uint64)


def _asked(hashes: _Hashes) -> ExternalTable:
    return external_table({"content": "UInt64"}, ((each,) for each in hashes.tolist()))


def _span(lines: TopicLines) -> dict[str, object]:
    return {"topic": EVENTS, "partition": lines.partition, "first": lines.first, "next": lines.next}


def _place(partition: int, offset: int, line: int | None = None) -> str:
    return f"partition {partition} offset {offset}{'' if line is None else f' line {line}'}"
