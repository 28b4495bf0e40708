"""The parameters of a simulation: everything its events depend on, so that the same plan gives the same events."""

from bisect import bisect
from collections.abc import Callable
from itertools import accumulate
from typing import NamedTuple, Protocol

from msgspec import Struct

from schemas.events import Channel

PROVINCE = "H26"
STEPS = ("Kiểm tra hồ sơ", "Thẩm định", "Lấy ý kiến", "Trình ký", "Đóng dấu")
UNITS = ("Bộ phận Một cửa", "Phòng Chuyên môn", "Văn phòng", "Lãnh đạo")
GATEWAYS = ("PAYGOV", "VNPT-PAY", "VIETTEL")


class Plan(Struct, frozen=True):
    """Shares are of 1; `late` is the share of dossiers resolved after their term, `duplicates` of events sent twice.

    With `tree`, agencies, procedures and officials are those of `connectors/simulator/administration.py`, so that there
    is reference data about them. Without, events are what they always were: figures that were measured stay comparable.
    """

    seed: int = 1
    agencies: int = 60
    duplicates: float = 0.02
    late: float = 0.09
    source: str = "simulator"
    tree: bool = False


class Procedure(Struct, frozen=True):
    """A procedure: its code, its term in working days, its fee in đồng (0: free), whether taxes may be due.

    Where its term is so many `calendar_days`, `days` are working days that lie within them.
    """

    code: str
    days: float
    fee: int
    obligation: bool
    calendar_days: int = 0


class Handover(NamedTuple):
    """When an agency ended, in seconds since 1970, and who takes over."""

    at: float
    successor: str


class Offices(Protocol):
    """Who decides and receives; numbers that are drawn are drawn evenly from [0, 1)."""

    @property
    def elsewhere(self) -> float:
        """The share of dossiers received by another office than the deciding agency."""

    def pick(self, draw: float, at: float) -> str:
        """An agency that decides at this instant."""

    def receiver(self, draw: float, at: float) -> str:
        """An office that receives for others at this instant."""

    def handover(self, agency: str, number: int, seed: int) -> Handover | None:
        """Who takes over the agency's dossier of this number, where the agency ends."""

    def official(self, agency: str, unit: int, draw: Callable[[], float]) -> str | None:
        """The code of an official of the agency, where codes are known."""


class Procedures(Protocol):
    """The procedures that are asked for."""

    def pick(self, draw: float, agency: str, received: float, channel: Channel) -> Procedure:
        """A procedure of the agency for a number drawn evenly from [0, 1)."""


def departments_of(count: int) -> int:
    """How many of so many agencies are departments: their codes must not reach those of communes."""
    return min(max(1, count // 6), 100)


class Agencies:
    """Departments and communes of one province, with volumes that fall as Zipf's law has it."""

    elsewhere = 0.1

    def __init__(self, count: int) -> None:
        departments = departments_of(count)
        self.codes = tuple(
            f"{PROVINCE}.{number + 1:02d}" if number < departments else f"{PROVINCE}.{101 + number - departments}"
            for number in range(count)
        )
        # Neither the departments nor the communes come first: every sixth by volume is a department.
        busiest = sorted(range(count), key=lambda number: (number % departments, number))
        self._ranked = tuple(self.codes[number] for number in busiest)
        self._cumulated = tuple(accumulate(1 / (rank + 1) for rank in range(count)))

    def pick(self, draw: float, _at: float) -> str:
        """The agency for a number drawn evenly from [0, 1), at any time."""
        return self._ranked[bisect(self._cumulated, draw * self._cumulated[-1])]

    receiver = pick

    def handover(self, _agency: str, _number: int, _seed: int) -> None:
        """No agency ends."""

    def official(self, _agency: str, _unit: int, _draw: Callable[[], float]) -> None:
        """No official has a code."""


_DAYS = (1, 3, 5, 2, 10, 15, 7, 5, 20, 3, 1, 30)
_FEES = (0, 15_000, 50_000, 0, 100_000, 0, 250_000, 0, 30_000, 500_000)


class Catalogue:
    """Forty procedures, some asked for far more often than others."""

    def __init__(self) -> None:
        self.procedures = tuple(
            Procedure(f"1.{4000 + 37 * number:06d}", _DAYS[number % 12], _FEES[number % 10], number % 8 == 6)
            for number in range(40)
        )
        self._cumulated = tuple(accumulate(1 / (rank + 2) for rank in range(40)))

    def pick(self, draw: float, _agency: str, _received: float, _channel: Channel) -> Procedure:
        """The procedure for a number drawn evenly from [0, 1), whoever decides."""
        return self.procedures[bisect(self._cumulated, draw * self._cumulated[-1])]


def spread(number: int, seed: int, salt: int) -> int:
    """A number from 0 to 999 such that every thousand consecutive `number`s get each exactly once."""
    # 7 and its powers share no factor with 1000, so this permutes.
    return (number * pow(7, 3 + salt % 4, 1000) + seed * 131 + salt * 577) % 1000
