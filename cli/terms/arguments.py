"""Arguments of `dossier terms`: local times, amounts and units."""

import re
from datetime import datetime
from fractions import Fraction
from typing import Any, cast, get_args
from zoneinfo import ZoneInfo

import click

from schemas.instant import from_micros, to_micros
from schemas.working_time.duration import Unit

_AMOUNT = re.compile(r"\d{1,9}(\.\d{1,12})?|\d{1,9}/0*[1-9]\d{0,8}", re.ASCII)
_UNITS = tuple(unit.replace(" ", "-") for unit in get_args(Unit))


class Time(click.ParamType):
    """The type of an argument that is a date with a time of day; `instant` makes an instant of it."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """The time, without an offset if none is given."""
        if isinstance(value, datetime):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value!r} is not a time such as 2026-02-11T15:30", param, ctx)
        if "T" not in value.upper() and " " not in value:
            self.fail(f"{value!r} has no time of day: write it as {value}T08:00", param, ctx)
        return found


class Amount(click.ParamType):
    """The type of an argument that is a whole number, a decimal or a fraction, and not negative."""

    name = "AMOUNT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:
        """The exact amount."""
        if isinstance(value, Fraction):
            return value
        # Fraction alone would take 1e999999999, and compute for hours.
        if not _AMOUNT.fullmatch(value):
            self.fail(f"{value!r} is not an amount such as 3, 2.5 or 1/2", param, ctx)
        return Fraction(value)


class UnitName(click.Choice[str]):
    """The type of an argument that names a unit, in the singular as well."""

    name = "UNIT"

    def __init__(self) -> None:
        super().__init__(_UNITS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Unit:
        """The unit."""
        plural = value if str(value).endswith("s") else f"{value}s"
        return cast("Unit", super().convert(plural.replace(" ", "-"), param, ctx).replace("-", " "))


def instant(time: datetime, zone: ZoneInfo) -> int:
    """The instant of a time that was given: without an offset it is local."""
    return to_micros(time if time.tzinfo else time.replace(tzinfo=zone))


def local_text(at: int, zone: ZoneInfo) -> str:
    """The instant as a local time with its offset."""
    return from_micros(at).astimezone(zone).isoformat()
