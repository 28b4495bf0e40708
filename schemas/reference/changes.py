"""What a load of reference data would change, in words, and the digest by which two loads are the same."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from operator import attrgetter
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct, structs

from schemas.reference.agency import Agency
from schemas.reference.findings import printable, quoted
from schemas.reference.official import Official
from schemas.reference.procedure import CHANNELS, FeeLine, ProcedureVersion
from schemas.reference.timeline import Difference, Timelines
from schemas.reference.validity import FIRST_DAY, LAST_DAY, ONE_DAY, Valid, shown_validity

C = TypeVar("C", Agency, ProcedureVersion, Official)
_KINDS = (
    "added", "restored", "removed", "ended", "merged", "moved", "renamed", "with another service level",
    "with another term", "with other fees", "changed",
)  # fmt: skip
Said: TypeAlias = tuple[str, str]
"""The kind and the text of a change."""


class Change(Struct, frozen=True, gc=False, order=True):
    """One thing that changes for one code. `kind` is one word or two, by which a summary counts; `text` says all."""

    code: str
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{printable(self.code)}: {self.text}"


def digest(rows: Iterable[Struct]) -> str:
    """The SHA-256 of the content without names of officials; the order of the rows does not matter.

    Everybody may see it, and whoever knows all else of a short file could guess names until the digest is the same.
    """
    whole = hashlib.sha256()
    public = (structs.replace(row, name="") if isinstance(row, Official) else row for row in rows)
    for row in sorted(map(msgspec.json.encode, public)):
        whole.update(row + b"\n")
    return whole.hexdigest()


def summary(changes: Iterable[Change]) -> str:
    """How many codes each kind of change has, in one line."""
    codes: dict[str, set[str]] = {}
    for change in changes:
        codes.setdefault(change.kind, set()).add(change.code)
    return ", ".join(f"{len(found)} {kind}" for kind, found in sorted(codes.items(), key=_rank)) or "nothing changed"


def _rank(counted: tuple[str, set[str]]) -> int:
    return _KINDS.index(counted[0])


def agency_changes(before: Iterable[Agency], after: Iterable[Agency]) -> list[Change]:
    """The changes of agencies, by code."""
    return _by_code(before, after, _of_agency)


def procedure_changes(before: Iterable[ProcedureVersion], after: Iterable[ProcedureVersion]) -> list[Change]:
    """The changes of procedures, by code; one that is not the same for all channels names its own."""
    return _by_code(before, after, _of_procedure)


def official_changes(before: Iterable[Official], after: Iterable[Official]) -> list[Change]:
    """The changes of officials, by code; they never hold a name."""
    return _by_code(before, after, _of_official)


def _by_code(
    before: Iterable[C], after: Iterable[C], of: Callable[[Sequence[C], Sequence[C]], Iterator[Said]]
) -> list[Change]:
    old, new = _grouped(before), _grouped(after)
    codes = sorted(code for code in old.keys() | new.keys() if old.get(code) != new.get(code))
    return [Change(code, *said) for code in codes for said in of(old.get(code, ()), new.get(code, ()))]


def _grouped(versions: Iterable[C]) -> dict[str, list[C]]:
    found: dict[str, list[C]] = {}
    for version in sorted(versions, key=msgspec.json.encode):
        found.setdefault(version.code, []).append(version)
    return found


def _of_agency(before: Sequence[Agency], after: Sequence[Agency]) -> Iterator[Said]:
    last = max(after or before, key=_begin)
    if not before or not after:
        under = f" under {printable(last.parent)}" if last.parent else ""
        named = f"{quoted(last.name_vi)}, {last.level}{under}"
        yield ("added", f"added: {named}{_validity(last)}") if after else ("removed", f"removed: {named}")
        return
    timelines = Timelines(before, after)
    for days in timelines.validity():
        yield _said_of_validity(days, last.successors)
    for days in timelines.values(lambda version: version.name_vi):
        yield "renamed", f"renamed {_from_to(days)}"
    for days in timelines.values(lambda version: version.name_en):
        yield "renamed", f"renamed in English {_from_to(days)}"
    for days in timelines.values(lambda version: version.parent):
        old, new = (f"under {printable(parent)}" if parent else "the root" for parent in (days.old, days.new))
        yield "moved", f"moved from {old} to {new}{_validity(days)}"
    for field in ("level", "group"):
        for days in timelines.values(attrgetter(field)):
            yield "changed", f"{field} changed {_from_to(days)}"
    yield from _said_of_set(
        "alias", (name for each in before for name in each.aliases), (name for each in after for name in each.aliases)
    )
    earlier = max(before, key=_begin)
    if last.valid_to == earlier.valid_to:  # otherwise its end has been said, with its successors
        yield from _said_of_set("successor", earlier.successors, last.successors)


def _of_procedure(before: Sequence[ProcedureVersion], after: Sequence[ProcedureVersion]) -> Iterator[Said]:
    if not before or not after:
        last = max(after or before, key=_begin)
        kind = "added" if after else "removed"
        yield kind, f"{kind}: {quoted(last.name_vi)}"
        return
    said: dict[Said, list[str]] = {}
    for channel in CHANNELS:
        old, new = ([each for each in versions if channel in each.channels] for versions in (before, after))
        for each in _of_channel(Timelines(old, new)):
            said.setdefault(each, []).append(channel)
    for (kind, text), channels in said.items():
        yield kind, text if len(channels) == len(CHANNELS) else f"{' and '.join(channels)}: {text}"


def _of_channel(timelines: Timelines[ProcedureVersion]) -> Iterator[Said]:
    for days in timelines.validity():
        yield _said_of_validity(days, ())
    for kind, named, value_of in _OF_PROCEDURE:
        for days in timelines.values(value_of):
            yield kind, f"{named} {_from_to(days)}"


def _of_official(before: Sequence[Official], after: Sequence[Official]) -> Iterator[Said]:
    if not before or not after:
        kind = "added" if after else "removed"
        yield kind, f"{kind}: unit {quoted((after or before)[0].unit)}"
        return
    if before[0].unit != after[0].unit:
        yield "moved", f"moved from unit {quoted(before[0].unit)} to {quoted(after[0].unit)}"
    if before[0].name != after[0].name:
        yield "renamed", "name changed"


def _said_of_validity(days: Difference, successors: Sequence[str]) -> Said:
    to_the_end = days.valid_to == LAST_DAY
    if days.new:
        return ("restored", f"restored{_validity(days)}") if to_the_end else ("changed", f"now valid{_validity(days)}")
    if to_the_end and successors:
        return "merged", f"merged into {printable(' and '.join(successors))}{_validity(days)}"
    ended = f"ended on {days.valid_from - ONE_DAY}" if days.valid_from > FIRST_DAY else "ended"
    return ("ended", ended) if to_the_end else ("changed", f"no longer valid{_validity(days)}")


def _said_of_set(named: str, before: Iterable[str], after: Iterable[str]) -> Iterator[Said]:
    old, new = set(before), set(after)
    for name in sorted(new - old):
        yield "changed", f"{named} {quoted(name)} added"
    for name in sorted(old - new):
        yield "changed", f"{named} {quoted(name)} removed"


def _term(version: ProcedureVersion) -> str:
    return "none" if version.term is None else f"{version.term} {version.unit}"


def _fees(version: ProcedureVersion) -> str:
    return " | ".join(map(_fee, version.fees)) or "none"


def _fee(line: FeeLine) -> str:
    return f"{line.name}={line.amount}{_validity(line)}" if line.name else f"{line.amount}{_validity(line)}"


_OF_PROCEDURE: tuple[tuple[str, str, Callable[[ProcedureVersion], object]], ...] = (
    ("renamed", "renamed", lambda version: version.name_vi),
    ("renamed", "renamed in English", lambda version: version.name_en),
    ("changed", "field changed", lambda version: version.field),
    ("changed", "level changed", lambda version: "|".join(version.levels)),
    ("with another service level", "service level changed", lambda version: version.service_level),
    ("with another term", "term changed", _term),
    ("with other fees", "fees changed", _fees),
    (
        "changed",
        "electronic result changed",
        lambda version: "required" if version.electronic_result else "not required",
    ),
    ("changed", "re-usable components changed", lambda version: "|".join(version.components_reusable)),
)


def _from_to(days: Difference) -> str:
    return f"from {quoted(str(days.old))} to {quoted(str(days.new))}{_validity(days)}"


def _validity(days: Valid) -> str:
    shown = shown_validity(days)
    return f" {shown}" if shown else ""


def _begin(version: Valid) -> date:
    return version.valid_from
