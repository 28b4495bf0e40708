"""Warnings about a whole file that no single row shows: an event that no row gave, terms that all fall on midnight.

Such a file is imported without a reject and still counts wrongly, most likely because its mapping is wrong.
"""

from datetime import UTC, datetime, time

from connectors.files.cell_values import plain
from connectors.files.mapping import Column, Mapping
from connectors.files.nested_columns import array_of
from connectors.files.row import Row
from connectors.files.row_mapper import MappedRow
from schemas.events import Extended, TermSet

_MOST_TEXTS = 5


class ImportWarnings:
    """Observes each row with what it gave; `messages` says at the end what is suspicious about all of them."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._zone = mapping.zone
        self._rows = 0
        self._events = [0] * len(mapping.events)
        self._terms = [0] * len(mapping.events)
        self._has_daytime_term = [False] * len(mapping.events)
        self._texts: list[dict[str, None]] = [{} for _ in mapping.events]
        self._conditional = [
            number for number, event in enumerate(mapping.events) if event.when and not array_of(event.when.column)
        ]

    def observe(self, row: Row, mapped: MappedRow) -> None:
        """Record a row and the events that it gave."""
        self._rows += not mapped.rejects
        for number, event in mapped.events:
            self._events[number] += 1
            if isinstance(event, TermSet | Extended):
                self._terms[number] += 1
                self._has_daytime_term[number] = self._has_daytime_term[number] or not self._is_midnight(event.term)
        for number in self._conditional:
            texts = self._texts[number]
            when = self._mapping.events[number].when
            if when is not None and not self._events[number] and len(texts) <= _MOST_TEXTS:
                texts[plain(row.cells.get(when.column) or "")[:50]] = None

    def messages(self) -> list[str]:
        """The warnings, one sentence each, with what to check in the mapping."""
        return [*self._events_never_given(), *self._terms_at_midnight()] if self._rows else []

    def _events_never_given(self) -> list[str]:
        messages = []
        for event, events, texts in zip(self._mapping.events, self._events, self._texts, strict=True):
            if events:
                continue
            when, hint = event.when, f"is {event.occurred_at.column!r} the right column?"
            if when is not None and when.one_of and texts:
                wanted = ", ".join(map(repr, when.one_of))
                held = ", ".join(map(repr, list(texts)[:_MOST_TEXTS])) + (" …" if len(texts) > _MOST_TEXTS else "")
                hint = f"its `when` waits for {wanted} in {when.column!r}, which holds {held}"
            messages.append(f"no row gave {event.kind}: {hint}")
        return messages

    def _terms_at_midnight(self) -> list[str]:
        messages = []
        for number, event in enumerate(self._mapping.events):
            term = event.fields.get("term")
            if self._terms[number] and not self._has_daytime_term[number] and isinstance(term, Column):
                messages.append(
                    f"all {self._terms[number]} terms in {term.column!r} are at midnight, so a result later on that "
                    f'day is late: if they are days, say as = "day" in the column of {event.kind}'
                )
        return messages

    def _is_midnight(self, term: datetime) -> bool:
        return term.astimezone(self._zone).time() == time.min or term.astimezone(UTC).time() == time.min
