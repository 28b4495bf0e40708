"""Dead letters as they are kept in ClickHouse: found, read, and decided about."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Literal, TypeAlias

from clickhouse_driver.errors import Error
from msgspec import Struct

from schemas.connection import ClickHouseConnection
from schemas.envelope import RejectReason
from schemas.instant import EARLIEST, LATEST, to_micros
from schemas.tables import DECISIONS
from schemas.topics import EVENTS
from streams.queries import query
from streams.storage.clickhouse import connect, explain

State: TypeAlias = Literal["open", "replayed", "discarded"]
MAX_PAGE = 2000
"""Places that one statement may name: its text must stay below what ClickHouse takes by default."""

_PLACE = re.compile(r"([0-9]{1,5})@([0-9]{1,13}):([0-9]{1,5})")


class Place(Struct, frozen=True, order=True):
    """Where a line stands in the topic; written partition@offset:line."""

    partition: int
    offset: int
    line: int

    def __str__(self) -> str:
        return f"{self.partition}@{self.offset}:{self.line}"


def place_of(text: str) -> Place:
    """The place that is written so; raises ValueError."""
    found = _PLACE.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a place such as 3@1204:0 (partition@offset:line)")
    return Place(*map(int, found.groups()))


class Letter(Struct, frozen=True):
    """A dead letter without its content; `detail` and `source` are what somebody sent and may hold anything."""

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


class Group(Struct, frozen=True):
    """How many letters have one reason and source."""

    reason: str
    source: str
    letters: int


class Selection(Struct, frozen=True):
    """Which letters: those that fit all that is given; `until` is not included, and no `places` are all of them."""

    state: State | None = None
    reason: RejectReason | None = None
    source: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    places: tuple[Place, ...] = ()


class Letters:
    """The letters of `dossier-events`. For one thread at a time; every method may raise Unreachable or NotMigrated."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        self._clickhouse = clickhouse
        # Foreign lines need not be text.
        self._client = connect(clickhouse, strings_as_bytes=True)
        self._found = query("letters")

    def close(self) -> None:
        """Drop the connection."""
        self._client.disconnect()

    def groups(self, selection: Selection) -> list[Group]:
        """The selected letters by reason and source, the most frequent first."""
        sql = f"SELECT reason, source, count() AS n FROM ({self._found}) GROUP BY ALL ORDER BY n DESC, reason, source"  # noqa: S608  # our own text
        return [Group(_text(reason), _text(source), n) for reason, source, n in self._ask(sql, _named(selection))]

    def newest(self, selection: Selection, most: int) -> list[Letter]:
        """So many of the selected letters at most, the last published first."""
        sql = f"{self._found} ORDER BY published_at DESC, partition, offset, line LIMIT %(most)s"
        return self._letters(sql, _named(selection) | {"most": most})

    def pages(self, selection: Selection, size: int = MAX_PAGE) -> Iterator[list[Letter]]:
        """All selected letters by place, so many at once; not those that come while it goes on."""
        named = _named(selection) | {"size": size}
        ends = f"SELECT partition, max(offset) FROM ({self._found}) GROUP BY partition ORDER BY partition"  # noqa: S608  # our own text
        page = (
            f"{self._found} AND partition = %(partition)s AND offset <= %(last)s "
            "AND (offset, line) > (%(offset)s, %(line)s) ORDER BY offset, line LIMIT %(size)s"
        )
        for partition, last in self._ask(ends, named):
            place = Place(partition, 0, -1)
            while found := self._letters(
                page, named | {"partition": partition, "last": last, "offset": place.offset, "line": place.line}
            ):
                yield found
                place = found[-1].place

    def contents(self, letters: Sequence[Letter]) -> dict[Place, bytes]:
        """What these letters hold, at most MAX_PAGE of them."""
        sql = (
            "SELECT partition, offset, line, content FROM dead_letters FINAL "
            "WHERE topic = %(topic)s AND (partition, offset, line) IN %(places)s"
        )
        rows = self._ask(sql, {"topic": EVENTS, "places": _tuples([letter.place for letter in letters])})
        return {Place(*place): content for *place, content in rows}

    def decide(self, letters: Sequence[Letter], state: State, why: str, now: datetime, *, erased: bool = False) -> None:
        """Write down what was decided about these letters; the last decision about a letter holds."""
        rows = [
            (
                EVENTS.encode(),
                *_tuple(letter.place),
                to_micros(letter.published_at) // 1000,
                state.encode(),
                why.encode(),
                erased,
                to_micros(now) // 1000,
            )
            for letter in letters
        ]
        if rows:
            self._ask(f"INSERT INTO {DECISIONS.name} ({', '.join(DECISIONS.columns)}) VALUES", rows)

    def erase(self, letters: Sequence[Letter]) -> None:
        """Blank content and detail of these letters, at most MAX_PAGE of them; returns when every replica has done so.

        Decide afterwards: who is interrupted between the two finds the letters still open, and does both again.
        """
        sql = (
            "ALTER TABLE dead_letters UPDATE content = '', detail = '' "
            "WHERE topic = %(topic)s AND (partition, offset, line) IN %(places)s SETTINGS mutations_sync = 2"
        )
        if letters:
            self._ask(sql, {"topic": EVENTS, "places": _tuples([letter.place for letter in letters])})

    def _letters(self, sql: str, named: dict[str, object]) -> list[Letter]:
        return [_letter(*row) for row in self._ask(sql, named)]

    def _ask(self, sql: str, parameters: Any) -> Any:
        try:
            return self._client.execute(sql, parameters)
        except (Error, OSError, EOFError) as error:
            self._client.disconnect()
            raise explain(error, self._clickhouse) from error


def _letter(partition: int, offset: int, line: int, *columns: Any) -> Letter:
    shown: list[Any] = [_text(value) if isinstance(value, bytes) else value for value in columns]
    return Letter(Place(partition, offset, line), *shown)


def _named(selection: Selection) -> dict[str, object]:
    return {
        "topic": EVENTS,
        "state": selection.state,
        "reason": selection.reason,
        "source": selection.source,
        "since": to_micros(selection.since or EARLIEST) // 1000,
        "until": to_micros(selection.until or LATEST) // 1000,
        "everywhere": int(not selection.places),
        "places": _tuples(selection.places or (Place(0, 0, 0),)),
    }


def _tuple(place: Place) -> tuple[int, int, int]:
    return place.partition, place.offset, place.line


def _tuples(places: Sequence[Place]) -> tuple[tuple[int, int, int], ...]:
    return tuple(map(_tuple, places))


def _text(value: bytes) -> str:
    return value.decode("utf-8", "backslashreplace")
