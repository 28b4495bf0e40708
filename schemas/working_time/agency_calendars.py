"""The calendars of agencies by their codes: by the rules for them, and for those above them in a tree."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from msgspec import structs

from schemas.working_time.calendar import TIME_ZONE, Calendar, Calendars
from schemas.working_time.day_rule import DayRule

_Meaning: TypeAlias = tuple[object, ...]


class AgencyCalendars:
    """The calendar of any code; agencies to which all rules say the same share one, however many they are.

    `paths` are the codes from a root down to the node that a code's figures belong to. The rules for a code hold for
    its own cases even where it has ended, and its path leads to its successor. A code without a path is below those
    that its dots name. `names` are the codes that aliases stand for.
    """

    def __init__(
        self,
        rules: Iterable[DayRule],
        paths: Mapping[str, Sequence[str]] | None = None,
        names: Mapping[str, str] | None = None,
        time_zone: str = TIME_ZONE,
    ) -> None:
        self._paths, self._names = paths or {}, names or {}
        of_agency: dict[str, list[DayRule]] = {}
        for rule in rules:
            of_agency.setdefault(self._names.get(rule.agency, rule.agency), []).append(rule)
        # Of codes with equal rules, the first one stands for all.
        firsts: dict[tuple[_Meaning, ...], str] = {}
        self._stands_for = {code: firsts.setdefault(tuple(map(_meaning, own)), code) for code, own in of_agency.items()}
        kept = (structs.replace(rule, agency=code) for code in firsts.values() for rule in of_agency[code])
        self._calendars = Calendars(kept, time_zone)
        self._of: dict[str, Calendar] = {}

    def of(self, agency: str) -> Calendar:
        """The calendar of this agency."""
        calendar = self._of.get(agency)
        if calendar is None:
            calendar = self._of[agency] = self._calendars.of(
                [self._stands_for.get(code, "") for code in self.path_of(agency)]
            )
        return calendar

    def path_of(self, agency: str) -> Sequence[str]:
        """The codes of which the rules hold for this agency, from the general to the specific."""
        own = self._names.get(agency, agency)
        path = self._paths.get(agency)
        if path is None:
            return path_by_dots(own)
        return path if own in path else (*path, own)


def path_by_dots(agency: str) -> list[str]:
    """The codes above a code and itself, as far as codes tell: H26, H26.17, H26.17.3."""
    parts = agency.split(".") if agency else []
    return [".".join(parts[: number + 1]) for number in range(len(parts))]


def _meaning(rule: DayRule) -> _Meaning:
    return structs.astuple(structs.replace(rule, agency="", name="", source=""))
