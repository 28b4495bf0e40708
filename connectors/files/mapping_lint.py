"""What is suspicious about a mapping: it can be used, and most likely does not do what its author means."""

from collections.abc import Iterator

from msgspec import UNSET

from connectors.files.cell_values import plain
from connectors.files.mapping import Column, EventMapping, Mapping
from connectors.files.mapping_checks import faults
from connectors.files.personal_columns import looks_personal

_FREE_TEXTS = frozenset({"reason"})


def findings(mapping: Mapping) -> list[str]:
    """Everything that is wrong with a mapping or suspicious about it, a line each; none where it is sound."""
    return [*faults(mapping), *dict.fromkeys([*_personal(mapping), *_unreachable(mapping), *_order(mapping)])]


def _personal(mapping: Mapping) -> Iterator[str]:
    yield from _about_people("dossier", mapping.dossier.column)
    for at, event in _numbered(mapping):
        for name, source in event.fields.items():
            if not isinstance(source, Column):
                continue
            yield from _about_people(f"{at}: {name}", source.column)
            if name in _FREE_TEXTS and source.values is None:
                yield f"{at}: {name} takes any text of {source.column!r}, which may name people: give `values` for it"
        for column in event.key:
            yield from _about_people(f"{at}: key", column)


def _about_people(at: str, column: str) -> Iterator[str]:
    if looks_personal(column):
        yield f"{at}: {column!r} looks like personal data, which no event may hold, not even in a key"


def _unreachable(mapping: Mapping) -> Iterator[str]:
    seen: dict[tuple[object, ...], str] = {}
    for at, event in _numbered(mapping):
        when = event.when
        if when is not None:
            for text in when.one_of:
                if text != plain(text) or not text:
                    yield f"{at}: when never holds for {text!r}: cells are compared without spaces around them"
            yield from _never_with(at, event)
        for name, source in (("occurred_at", event.occurred_at), *event.fields.items()):
            if isinstance(source, Column):
                yield from _dead_options(f"{at}: {name}", source)
        texts: tuple[str | None, ...] = when.one_of if when is not None and when.one_of else (None,)
        for asked in texts:
            rule = (event.kind, event.occurred_at, str(event.fields), event.key, when and when.column, asked)
            first = seen.setdefault(rule, at)
            if first != at:
                said = f" for {asked!r}" if asked is not None else ""
                yield f"{at}: gives the same event as {first}{said}: one of them is of no use"


def _never_with(at: str, event: EventMapping) -> Iterator[str]:
    """Texts that `when` asks of a column, and by which a field of the event is then rejected or empty."""
    when = event.when
    if when is None or not when.one_of:
        return
    for name, source in event.fields.items():
        if not isinstance(source, Column) or source.column != when.column:
            continue
        if source.values is not None and source.case is UNSET and source.without_prefix is UNSET:
            for text in when.one_of:
                if text not in source.values and text not in source.empty:
                    yield f"{at}: {name} rejects {text!r}, which `when` asks of the same column: its `values` lack it"


def _dead_options(at: str, source: Column) -> Iterator[str]:
    if source.required and source.default is not None:
        yield f"{at}: `default` is never used, because an empty cell is rejected: `required`"
    for text in source.empty:
        if source.values is not None and text in source.values:
            yield f"{at}: the value of {text!r} is never used, because `empty` lists it"
    for text in source.values or ():
        changed = text.upper() if source.case == "upper" else text.lower() if source.case == "lower" else text
        prefixed = next((each for each in source.without_prefix or () if text.startswith(each)), "")
        if text != plain(text) or changed != text or prefixed:
            yield f"{at}: the value of {text!r} is never used: by then cells have been changed, as to spaces or letters"
    formats = source.formats or ()
    if len(set(formats)) < len(formats):
        yield f"{at}: `formats` names a format twice"


def _order(mapping: Mapping) -> Iterator[str]:
    """Hints about which of two statements holds."""
    if mapping.recorded_at is None and mapping.as_of is None:
        yield (
            "recorded_at is not mapped: of two contents of one thing, that of the later file or record holds, "
            "in whatever order the system wrote them"
        )


def _numbered(mapping: Mapping) -> Iterator[tuple[str, EventMapping]]:
    for number, event in enumerate(mapping.events, 1):
        yield f"events[{number}] ({event.kind})", event
