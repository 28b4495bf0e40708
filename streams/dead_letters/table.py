"""Dead letters as they are stored in ClickHouse, and the decisions about them."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.envelope import RejectReason
from schemas.instant import EARLIEST, LATEST, to_micros
from schemas.tables import DECISIONS
from schemas.topics import EVENTS
from streams.queries import query
from streams.storage.clickhouse_client import DRIVER_ERRORS, connect, explain

State: TypeAlias = Literal["open", "replayed", "discarded"]
MAX_PAGE = 2000
"""How many places one statement may name: its text must stay below ClickHouse's default limit."""

_PLACE = re.compile(r"(?:([A-Za-z0-9._-]{1,249})/)?([0-9]{1,5})@([0-9]{1,13}):([0-9]{1,5})")


class Place(Struct, frozen=True, order=True):
    """Where a line stands in a topic; written partition@offset:line, behind topic/ unless it is `dossier-events`."""

    partition: int
    offset: int
    line: int
    topic: str = EVENTS

    def __str__(self) -> str:
        place = f"{self.partition}@{self.offset}:{self.line}"
        return place if self.topic == EVENTS else f"{self.topic}/{place}"


def place_of(text: str) -> Place:
    """Parse a place; raises ValueError."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a place such as 3@1204:0 (partition@offset:line)")
    topic, partition, offset, line = found.groups()
    return Place(int(partition), int(offset), int(line), topic or EVENTS)


class StoredDeadLetter(Struct, frozen=True):
    """A stored dead letter without its content; `detail` and `source` come from a producer and may hold anything."""

    place: Place
    reason: str
    field: str
    detail: str
    source: str
    published_at: datetime
    state: State
    why: str
    erased: bool
    decided_at: datetime | None


class DeadLetterGroup(Struct, frozen=True):
    """How many dead letters have this reason and source."""

    reason: str
    source: str
    letters: int


class Selection(Struct, frozen=True):
    """Which dead letters: those that match all criteria; `until` is excluded, and no `places` means all places.

    No `topic` means all topics.
    """

    state: State | None = None
    reason: RejectReason | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    places: tuple[Place, ...] = ()
    topic: str | None = None


class DeadLetterTable:
    """The dead letters of every topic. For one thread at a time; methods raise Unreachable or NotMigrated."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        self._clickhouse = clickhouse
        # Lines of other producers need not be text.
        self._client = connect(clickhouse, strings_as_bytes=True)
        self._selected = query("dead_letters")

    def close(self) -> None:
        """Close the connection."""
        self._client.disconnect()

    def groups(self, selection: Selection) -> list[DeadLetterGroup]:
        """The selected dead letters by reason and source, the most frequent first."""
        sql = (
            f"SELECT reason, source, count() AS n FROM ({self._selected}) GROUP BY ALL ORDER BY n DESC, reason, source"  # noqa: S608  # our own text
        )
        return [
            DeadLetterGroup(_text(reason), _text(source), n)
            for reason, source, n in self._execute(sql, _parameters(selection))
        ]

    def newest(self, selection: Selection, most: int) -> list[StoredDeadLetter]:
        """At most so many of the selected dead letters, the last published first."""
        sql = f"{self._selected} ORDER BY published_at DESC, topic, partition, offset, line LIMIT %(most)s"
        return self._read(sql, _parameters(selection) | {"most": most})

    def pages(self, selection: Selection, size: int = MAX_PAGE) -> Iterator[list[StoredDeadLetter]]:
        """All selected dead letters by place, in pages; not those that come meanwhile."""
        parameters = _parameters(selection) | {"size": size}
        ends = f"SELECT topic, partition, max(offset) FROM ({self._selected}) GROUP BY ALL ORDER BY topic, partition"  # noqa: S608  # our own text
        page = (
            f"{self._selected} AND topic = %(of)s AND partition = %(partition)s AND offset <= %(last)s "
            "AND (offset, line) > (%(offset)s, %(line)s) ORDER BY offset, line LIMIT %(size)s"
        )
        for topic, partition, last in self._execute(ends, parameters):
            place = Place(partition, 0, -1, _text(topic))
            while found := self._read(
                page,
                parameters
                | {"of": place.topic, "partition": partition, "last": last}
                | {"offset": place.offset, "line": place.line},
            ):
                yield found
                place = found[-1].place

    def contents(self, dead_letters: Sequence[StoredDeadLetter]) -> dict[Place, bytes]:
        """The contents of these dead letters, at most MAX_PAGE of them."""
        sql = (
            "SELECT partition, offset, line, topic, content FROM dead_letters FINAL "
            "WHERE (topic, partition, offset, line) IN %(places)s"
        )
        rows = self._execute(sql, {"places": _tuples([each.place for each in dead_letters])}) if dead_letters else []
        return {
            Place(partition, offset, line, _text(topic)): content for partition, offset, line, topic, content in rows
        }

    def decide(
        self, dead_letters: Sequence[StoredDeadLetter], state: State, why: str, now: datetime, *, erased: bool = False
    ) -> None:
        """Store a decision about these dead letters; the last decision about each holds."""
        rows = [
            (
                each.place.topic.encode(),
                *_tuple(each.place)[1:],
                to_micros(each.published_at) // 1000,
                state.encode(),
                why.encode(),
                erased,
                to_micros(now) // 1000,
            )
            for each in dead_letters
        ]
        if rows:
            self._execute(f"INSERT INTO {DECISIONS.name} ({', '.join(DECISIONS.columns)}) VALUES", rows)

    def erase(self, dead_letters: Sequence[StoredDeadLetter]) -> None:
        """Blank content and detail of these dead letters, at most MAX_PAGE; returns when every replica has done so.

        Decide afterwards: after an interruption between the two they are still open, and both are done again.
        """
        sql = (
            "ALTER TABLE dead_letters UPDATE content = '', detail = '' "
            "WHERE (topic, partition, offset, line) IN %(places)s SETTINGS mutations_sync = 2"
        )
        if dead_letters:
            self._execute(sql, {"places": _tuples([each.place for each in dead_letters])})

    def _read(self, sql: str, parameters: dict[str, object]) -> list[StoredDeadLetter]:
        return [_stored(*row) for row in self._execute(sql, parameters)]

    def _execute(self, sql: str, parameters: Any) -> Any:
        try:
            return self._client.execute(sql, parameters)
        except DRIVER_ERRORS as error:
            self._client.disconnect()
            raise explain(error, self._clickhouse) from error


def _stored(topic: bytes, partition: int, offset: int, line: int, *columns: Any) -> StoredDeadLetter:
    shown: list[Any] = [_text(value) if isinstance(value, bytes) else value for value in columns]
    return StoredDeadLetter(Place(partition, offset, line, _text(topic)), *shown)


def _parameters(selection: Selection) -> dict[str, object]:
    return {
        "topic": selection.topic,
        "state": selection.state,
        "reason": selection.reason,
        "source": selection.source,
        "since": to_micros(selection.since or EARLIEST) // 1000,
        "until": to_micros(selection.until or LATEST) // 1000,
        "everywhere": int(not selection.places),
        "places": _tuples(selection.places or (Place(0, 0, 0),)),
    }


def _tuple(place: Place) -> tuple[str, int, int, int]:
    return place.topic, place.partition, place.offset, place.line


def _tuples(places: Sequence[Place]) -> tuple[tuple[str, int, int, int], ...]:
    return tuple(map(_tuple, places))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
