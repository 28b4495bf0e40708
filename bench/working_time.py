"""`python -m bench.working_time`: how many terms are computed in a second on one core, beside what people use instead.

`numpy.busday_offset` moves dates by whole days. It has neither hours nor worked Saturdays, so it does less. The
packages business-duration and businesstimedelta, which count hours, are measured where they are installed. They are
given the same holidays, but no worked Saturdays.
"""

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta, timezone
from datetime import time as time_of_day
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, get_args

import click
import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from bench.command_options import command_of, out_options, write_result
from bench.machine import Machine, this_machine
from schemas.instant import from_micros, to_micros
from schemas.working_time.arithmetic import add, between
from schemas.working_time.built_in import built_in_calendar
from schemas.working_time.calendar import Calendar
from schemas.working_time.duration import Duration, Unit
from schemas.working_time.term_columns import add_many, between_many

_CITY = timezone(timedelta(hours=7))
_YEAR = (to_micros(datetime(2026, 1, 1, tzinfo=_CITY)), to_micros(datetime(2027, 1, 1, tzinfo=_CITY)))
_MOST = 30
_SINGLE = 20_000
_SLOW = 200
_ROUNDS = 3


class Row(Struct, frozen=True):
    """What was computed how often, and CPU seconds; `to_ours` is the CPU time of one beside one of ours, above it."""

    what: str
    times: int
    cpu_seconds: float
    per_second: int
    to_ours: float | None = None


class Result(Struct, frozen=True):
    """Everything that was measured, where and how."""

    machine: Machine
    command: str
    rows: list[Row]


class Terms(Struct, frozen=True):
    """Terms of dossiers received at any time of a year, of up to 30 units, and the calendar that counts them."""

    starts: NDArray[np.int64]
    amounts: NDArray[np.int64]
    calendar: Calendar


def terms_of_a_year(number: int, seed: int = 1) -> Terms:
    """So many random terms."""
    random = np.random.default_rng(seed)
    return Terms(random.integers(*_YEAR, number), random.integers(1, _MOST, number), built_in_calendar())


def measured(terms: Terms) -> Iterator[Row]:
    """Compute them by every way that there is; what is slow computes fewer of them."""
    starts, amounts, calendar = terms.starts, terms.amounts, terms.calendar
    units: tuple[Unit, ...] = get_args(Unit)
    of_unit = {
        unit: _row(f"add_many, {unit}", len(starts), partial(add_many, starts, amounts, unit, calendar))
        for unit in units
    }
    yield from of_unit.values()
    yield _row("numpy.busday_offset, dates", len(starts), _busday_offset(terms), of_unit["working days"])
    ends = add_many(starts, amounts, "working days", calendar)
    many = _row(
        "between_many, working hours", len(starts), partial(between_many, starts, ends, "working hours", calendar)
    )
    yield many
    few = [(int(start), int(amount)) for start, amount in zip(starts[:_SINGLE], amounts[:_SINGLE], strict=True)]
    single = _row("add, working hours", len(few), lambda: [_add(each, calendar) for each in few])
    yield single
    if peer := _businesstimedelta(few[:_SLOW], calendar):
        yield _row("businesstimedelta, working hours", len(few[:_SLOW]), peer, single)
    pairs = [(int(start), int(end)) for start, end in zip(starts[:_SINGLE], ends[:_SINGLE], strict=True)]
    one = _row("between, working hours", len(pairs), lambda: [_between(each, calendar) for each in pairs])
    yield one
    if peer := _business_duration(pairs[:_SLOW], calendar):
        yield _row("business-duration, working hours", len(pairs[:_SLOW]), peer, one)


def _add(term: tuple[int, int], calendar: Calendar) -> int:
    return add(term[0], Duration(term[1], "working hours"), calendar)


def _between(pair: tuple[int, int], calendar: Calendar) -> Fraction:
    return between(*pair, "working hours", calendar)


def _busday_offset(terms: Terms) -> Callable[[], object]:
    dates = (terms.starts + 7 * 3_600_000_000).astype("M8[us]").astype("M8[D]")
    calendar = np.busdaycalendar(holidays=[np.datetime64(day) for day in _days_off(terms.calendar)])
    return lambda: np.busday_offset(dates, terms.amounts, roll="forward", busdaycal=calendar)


def _businesstimedelta(terms: list[tuple[int, int]], calendar: Calendar) -> Callable[[], object] | None:
    try:
        import businesstimedelta as peer
        import pytz  # the only time zones that it takes
    except ImportError:
        return None
    zone = pytz.FixedOffset(7 * 60)
    work = peer.WorkDayRule(time_of_day(8), time_of_day(17), [0, 1, 2, 3, 4], tz=zone)
    lunch = peer.LunchTimeRule(time_of_day(12), time_of_day(13), [0, 1, 2, 3, 4], tz=zone)
    hours = peer.Rules([work, lunch, peer.HolidayRule(_days_off(calendar), tz=zone)])
    given = [(from_micros(start), peer.BusinessTimeDelta(hours, hours=amount)) for start, amount in terms]
    return lambda: [start + amount for start, amount in given]


def _business_duration(pairs: list[tuple[int, int]], calendar: Calendar) -> Callable[[], object] | None:
    try:
        import business_duration as peer
    except ImportError:
        return None
    off = _days_off(calendar)
    opens, closes = time_of_day(8), time_of_day(17)
    given = [tuple(from_micros(at).astimezone(_CITY).replace(tzinfo=None) for at in pair) for pair in pairs]
    return lambda: [peer.businessDuration(*pair, opens, closes, holidaylist=off, unit="hour") for pair in given]


def _days_off(calendar: Calendar) -> list[date]:
    days = (date(2026, 1, 1) + timedelta(number) for number in range(2 * 365))
    return [day for day in days if day.isoweekday() < 6 and calendar.day(day).kind == "off"]


def _row(what: str, times: int, compute: Callable[[], Any], ours: Row | None = None) -> Row:
    """The best of a few rounds."""
    seconds = min(_cpu_seconds(compute) for _ in range(_ROUNDS))
    to_ours = seconds / times / (ours.cpu_seconds / ours.times) if ours else None
    return Row(what, times, seconds, round(times / seconds), to_ours)


def _cpu_seconds(compute: Callable[[], Any]) -> float:
    began = time.process_time()
    compute()
    return time.process_time() - began


@click.command()
@click.option("--terms", type=click.IntRange(1), default=1_000_000, show_default=True, help="How many terms there are.")
@out_options("working_time")
def main(terms: int, out: Path) -> None:
    """Compute the ends of random terms of a year, and what lies between, by every way that is installed."""
    rows = list(measured(terms_of_a_year(terms)))
    write_result(out, Result(this_machine(), command_of("bench.working_time"), rows))
    for row in rows:
        click.echo(msgspec.json.encode(row))


if __name__ == "__main__":
    main()
