"""The made-up catalogue of procedures of the simulated administration, in versions, and the choice among them.

Its codes begin with 9, unlike those of the national catalogue.
"""

from bisect import bisect
from collections.abc import Iterator, Sequence
from datetime import date, datetime
from functools import cache
from itertools import accumulate
from typing import Literal, TypeAlias

from connectors.simulator.administration import MERGER, Administration
from connectors.simulator.office_calendar import CITY, OFFICE_SECONDS
from connectors.simulator.simulation_plan import Procedure
from schemas.events import Channel
from schemas.reference.agency import Level
from schemas.reference.procedure import CHANNELS, FeeLine, ProcedureVersion, ServiceLevel, Unit
from schemas.reference.validity import FIRST_DAY, LAST_DAY, ONE_DAY, boundaries, is_valid

COUNT = 120
_FIELDS = (
    *("Hộ tịch", "Chứng thực", "Đất đai", "Xây dựng", "Đăng ký kinh doanh", "Bảo trợ xã hội"),
    *("Giao thông", "Y tế", "Giáo dục", "Lao động", "Văn hóa", "Thương mại"),
)
_DAYS = (1, 3, 5, 2, 10, 15, 7, 5, 20, 3)
_HOURS = (4, 8)
_CALENDAR_DAYS = (15, 30, 14)
_FEES = (0, 15_000, 50_000, 0, 100_000, 0, 250_000)
_SERVICE_LEVELS: tuple[ServiceLevel, ...] = ("full", "partial", "full", "full", "partial", "information", "full")
_FREE_ONLINE_UNTIL = date(2025, 12, 31)
_SHORTENED = date(2026, 1, 1)

_Offered: TypeAlias = tuple[Sequence[ProcedureVersion], Sequence[float]]
"""Versions with their cumulated weights."""


class VersionedCatalogue:
    """Picks procedures that an agency has at an instant, by its level, and offers on a channel."""

    def __init__(self, administration: Administration) -> None:
        self._level = administration.level
        self.versions = tuple(version for number in range(COUNT) for version in _versions(number))
        self._days = [FIRST_DAY, *boundaries(self.versions)]
        self._offered = cache(self._offer)

    def pick(self, draw: float, agency: str, received: float, channel: Channel) -> Procedure:
        """The procedure, as of its reception, for a number drawn evenly from [0, 1)."""
        day = datetime.fromtimestamp(received, CITY).date()
        versions, cumulated = self._offered(bisect(self._days, day) - 1, self._level(agency), channel)
        version = versions[bisect(cumulated, draw * cumulated[-1])]
        fee = sum(line.amount for line in version.fees if is_valid(line, day))
        return _procedure(version, fee)

    def _offer(self, period: int, level: str, channel: Channel) -> _Offered:
        day = self._days[period]
        versions = [
            version
            for version in self.versions
            if is_valid(version, day)
            and level in version.levels
            and channel in version.channels
            and (channel != "online" or version.service_level != "information")
        ]
        return versions, tuple(accumulate(1 / (rank + 1) ** 1.5 for rank in range(len(versions))))


def _procedure(version: ProcedureVersion, fee: int) -> Procedure:
    term = version.term or 0
    number = int(version.code[2:])
    if version.unit == "working hours":
        return Procedure(version.code, term * 3600 / OFFICE_SECONDS, fee, obligation=False)
    if version.unit == "days":
        # Work is planned within the working days that any so many days have.
        return Procedure(version.code, term // 7 * 5, fee, obligation=number % 8 == 6, calendar_days=term)
    return Procedure(version.code, term, fee, obligation=number % 8 == 6)


def _versions(number: int) -> Iterator[ProcedureVersion]:
    """The versions of a procedure: by channel, by level before and after the merger, and with a term made shorter."""
    if number % 5 == 3:
        # What districts decided, communes decide since the merger.
        yield from _of_period(number, ("district",), FIRST_DAY, MERGER - ONE_DAY)
        yield from _of_period(number, ("commune",), MERGER, LAST_DAY)
    elif number % 6 == 4:
        levels = _levels(number)
        yield from _of_period(number, levels, FIRST_DAY, _SHORTENED - ONE_DAY, longer=5)
        yield from _of_period(number, levels, _SHORTENED, LAST_DAY)
    else:
        yield from _of_period(number, _levels(number), FIRST_DAY, LAST_DAY)


def _levels(number: int) -> tuple[Level, ...]:
    return ("commune",) if number % 2 else ("department",) if number % 4 else ("department", "district")


def _term(number: int, longer: int) -> tuple[int, Unit]:
    if number % 9 == 4:
        return _HOURS[number % 2], "working hours"
    if number % 9 == 7:
        return _CALENDAR_DAYS[number % 3] + longer, "days"
    return _DAYS[number % len(_DAYS)] + longer, "working days"


def _of_period(
    number: int, levels: tuple[Level, ...], begin: date, end: date, longer: int = 0
) -> Iterator[ProcedureVersion]:
    amount = _FEES[number % len(_FEES)]
    is_by_channel = amount > 0 and number % 3 == 1
    channels: tuple[Channel | Literal[""], ...] = CHANNELS if is_by_channel else ("",)
    for channel in channels:
        term, unit = _term(number, longer)
        fees: tuple[FeeLine, ...] = (FeeLine("Lệ phí", amount),) if amount or number % 4 == 1 else ()
        if channel == "online":
            term = max(term - 1, 1)
            free = FeeLine("Lệ phí", 0, valid_to=_FREE_ONLINE_UNTIL)
            fees = (free, FeeLine("Lệ phí", amount, valid_from=_FREE_ONLINE_UNTIL + ONE_DAY))
        yield ProcedureVersion(
            code=f"9.{number * 37 + 1:06}",
            name_vi=f"Thủ tục mô phỏng {number + 1}",
            name_en=f"Simulated procedure {number + 1}",
            field=_FIELDS[number % len(_FIELDS)],
            levels=levels,
            service_level=_SERVICE_LEVELS[number % len(_SERVICE_LEVELS)],
            channel=channel,
            term=term,
            unit=unit,
            fees=fees,
            electronic_result=number % 3 != 2,
            valid_from=begin,
            valid_to=end,
        )
