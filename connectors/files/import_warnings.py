"""What no row shows and a whole file does: an event that no row gave, terms that all fall on midnight.

Such a file is imported without a reject and counts wrongly all the same, most likely because its mapping is wrong.
"""

from datetime import UTC, datetime, time

from connectors.files.cell_values import plain
from connectors.files.mapping import Column, Mapping
from connectors.files.row import Row
from connectors.files.row_mapper import Made
from schemas.events import Extended, TermSet

_MOST_TEXTS = 5


class Oddities:
    """Sees each row with what it gave; `found` says at the end what is odd about them all."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._zone = mapping.zone
        self._rows = 0
        self._given = [0] * len(mapping.events)
        self._terms = [0] * len(mapping.events)
        self._not_midnight = [False] * len(mapping.events)
        self._texts: list[dict[str, None]] = [{} for _ in mapping.events]
        self._conditional = [number for number, event in enumerate(mapping.events) if event.when is not None]

    def see(self, row: Row, made: Made) -> None:
        """Take note of a row."""
        self._rows += not made.unfit
        for number, event in made.events:
            self._given[number] += 1
            if isinstance(event, TermSet | Extended):
                self._terms[number] += 1
                self._not_midnight[number] = self._not_midnight[number] or not self._is_midnight(event.term)
        for number in self._conditional:
            texts = self._texts[number]
            when = self._mapping.events[number].when
            if when is not None and not self._given[number] and len(texts) <= _MOST_TEXTS:
                texts[plain(row.cells.get(when.column) or "")[:50]] = None

    def found(self) -> list[str]:
        """What is odd, a sentence each, with what to look at."""
        return [*self._never_given(), *self._at_midnight()] if self._rows else []

    def _never_given(self) -> list[str]:
        found = []
        for event, given, texts in zip(self._mapping.events, self._given, self._texts, strict=True):
            if given:
                continue
            when, why = event.when, f"is {event.occurred_at.column!r} the right column?"
            if when is not None and when.one_of:
                wanted = ", ".join(map(repr, when.one_of))
                held = ", ".join(map(repr, list(texts)[:_MOST_TEXTS])) + (" …" if len(texts) > _MOST_TEXTS else "")
                why = f"its `when` waits for {wanted} in {when.column!r}, which holds {held}"
            found.append(f"no row gave {event.kind}: {why}")
        return found

    def _at_midnight(self) -> list[str]:
        found = []
        for number, event in enumerate(self._mapping.events):
            term = event.fields.get("term")
            if self._terms[number] and not self._not_midnight[number] and isinstance(term, Column):
                found.append(
                    f"all {self._terms[number]} terms in {term.column!r} are at midnight, so a result later on that "
                    f'day is late: if they are days, say as = "day" in the column of {event.kind}'
                )
        return found

    def _is_midnight(self, term: datetime) -> bool:
        return term.astimezone(self._zone).time() == time.min or term.astimezone(UTC).time() == time.min
