"""The events of the seed case, each once: receptions, payments and so on, mistakes, and their corrections."""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from functools import cache
from itertools import repeat
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bench.seed_case.case_lives import (
    AGENCIES,
    CHANNELS,
    OUTCOMES,
    PROCEDURES,
    REOPENED,
    RESOLVED,
    TRANSFERRED,
    VOIDED_AWHILE,
    WRONG_AGENCY,
    WRONG_CHANNEL,
    WRONG_TIME,
    Flags,
    Lives,
    Whole,
)

Payload: TypeAlias = Callable[[Lives, Whole], Iterable[str]]
"""The JSON of the fields of a kind for the cases of these indexes, a comma after each field; maybe without an end."""

_DAY = 86_400
_UTC_PLUS_7 = 7 * 3600


class Statement(NamedTuple):
    """One event of each of `cases`, which are indexes: when it occurred, and when it was recorded.

    `place` tells the statements of a case apart, and orders those that were put down at one time.
    """

    place: int
    kind: str
    cases: Whole
    at: Whole
    recorded_at: Whole
    payload: Payload


def statements(some: Lives) -> Iterator[Statement]:
    """All statements, ordered by their place."""

    def statement(
        place: int, kind: str, when: Flags, at: Whole, payload: Payload, recorded_at: Whole | None = None
    ) -> Statement:
        cases = np.flatnonzero(when)
        return Statement(place, kind, cases, at[cases], (at if recorded_at is None else recorded_at)[cases], payload)

    everyone = np.full(len(some.number), True)
    resolved = some.outcome == RESOLVED
    wrong_time, reopened, voided = (some.slip == slip for slip in (WRONG_TIME, REOPENED, VOIDED_AWHILE))
    begun, ended, righted = some.received_at, some.ended_at, some.righted_at
    half, most = begun + (ended - begun) // 2, begun + (ended - begun) * 3 // 4

    yield statement(1, "received", everyone, begun, _reception)
    yield statement(2, "term_set", everyone, begun, _term)
    yield statement(3, "voided", some.void, begun + 900, _constant('"reason":"nhập trùng",'))
    yield statement(4, "paid", some.paid_at > 0, some.paid_at, _payment)
    yield statement(5, "digitised", some.digitised_at > 0, some.digitised_at, _digitisation)
    yield statement(
        6, "supplement_requested", some.supplement_at > 0, some.supplement_at, _constant('"reason":"thiếu giấy tờ",')
    )
    yield statement(7, "supplement_answered", some.answered_at > 0, some.answered_at, _constant(""))
    yield statement(8, "transferred", some.slip == TRANSFERRED, begun + 3600, _transfer)
    yield statement(9, "extended", some.extended_at > 0, some.extended_at, _extension)
    yield statement(10, "resolved", wrong_time, ended + 5400, _result)
    yield statement(11, "resolved", reopened, half, _result)
    yield statement(12, "reopened", reopened, most, _constant('"reason":"kết quả bị thu hồi",'))
    yield statement(13, "resolved", resolved, ended, _result, np.where(wrong_time, righted, ended))
    for outcome in range(RESOLVED + 1, len(OUTCOMES)):
        yield statement(14, OUTCOMES[outcome], some.outcome == outcome, ended, _constant(""))
    yield statement(15, "returned", some.returned_at > 0, some.returned_at, _constant(""))
    yield statement(16, "rated", some.rated_at > 0, some.rated_at, _rating)
    yield statement(17, "refunded", some.refunded_at > 0, some.refunded_at, _refund)
    yield statement(18, "amended", some.slip == WRONG_AGENCY, righted, _right_agency)
    yield statement(19, "amended", some.slip == WRONG_CHANNEL, righted, _right_channel)
    yield statement(20, "voided", voided, righted, _constant('"reason":"nhập trùng",'))
    yield statement(21, "voided", voided, righted + _DAY, _constant('"voided":false,"reason":"nhầm lẫn",'))


def instant(at: int) -> str:
    """The instant as events carry it."""
    day, second = divmod(at, _DAY)
    return _day_of(day) + _CLOCK[second]


def local_time(at: int) -> str:
    """The instant by the clocks of the city, as a file has it; empty for 0."""
    day, second = divmod(at + _UTC_PLUS_7, _DAY)
    return f"{_day_of(day)} {_CLOCK[second][1:-1]}" if at else ""


@cache
def _day_of(day: int) -> str:
    """The date of this day since 1970."""
    return (date(1970, 1, 1) + timedelta(day)).isoformat()


def names(some: Lives) -> list[str]:
    """The id of each case, which tells where and on which day it was first received."""
    days = (some.received_at + _UTC_PLUS_7) // _DAY
    columns = some.first_agency.tolist(), days.tolist(), some.number.tolist()
    return [f"{AGENCIES[agency]}-{_short_day(day)}-{number:07d}" for agency, day, number in zip(*columns, strict=True)]


@cache
def _short_day(day: int) -> str:
    return _day_of(day)[2:].replace("-", "")


_CLOCK = [f"T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}Z" for second in range(_DAY)]
_AGENCY = [f'"agency":"{code}",' for code in AGENCIES]
_CHANNEL = ["", *(f'"channel":"{channel}",' for channel in CHANNELS[1:])]
_PROCEDURE = [f'"procedure":"{procedure.code}",' for procedure in PROCEDURES]
_BEARS_FEE = ["", '"fee_bearing":true,']
_ELECTRONIC = ["", '"e_result":true,']
_METHOD = ['"method":"cash",', '"method":"online","gateway":"PAYGOV",']
_RATED = ['"satisfied":false,"score":2,', '"satisfied":true,"score":5,']


def _rows(cases: Whole, *columns: NDArray[Any]) -> Iterator[tuple[Any, ...]]:
    return zip(*(column[cases].tolist() for column in columns), strict=True)


def _constant(text: str) -> Payload:
    return lambda _some, _who: repeat(text)


def _reception(some: Lives, cases: Whole) -> Iterator[str]:
    rows = _rows(cases, some.first_agency, some.first_channel, some.procedure, some.bears_fee)
    return (
        _AGENCY[agency] + _CHANNEL[channel] + _PROCEDURE[procedure] + _BEARS_FEE[bears]
        for agency, channel, procedure, bears in rows
    )


def _term(some: Lives, cases: Whole) -> Iterator[str]:
    return (f'"term":"{instant(term)}",' for (term,) in _rows(cases, some.term_original))


def _payment(some: Lives, cases: Whole) -> Iterator[str]:
    rows = _rows(cases, some.number, some.amount, some.paid_online)
    return (f'"transaction":"T{number}","amount":{amount},{_METHOD[online]}' for number, amount, online in rows)


def _refund(some: Lives, cases: Whole) -> Iterator[str]:
    return (
        f'"transaction":"T{number}","amount":{amount},' for number, amount in _rows(cases, some.number, some.refunded)
    )


def _digitisation(some: Lives, cases: Whole) -> Iterator[str]:
    for components, digitised, reused in _rows(cases, some.components, some.digitised, some.reused):
        yield (
            f'"components":{components},'
            + (f'"digitised":{digitised},' if digitised else "")
            + (f'"reused":{reused},' if reused else "")
        )


def _transfer(some: Lives, cases: Whole) -> Iterator[str]:
    rows = _rows(cases, some.agency, some.first_agency)
    return (f'"agency":"{AGENCIES[new]}","previous_agency":"{AGENCIES[old]}",' for new, old in rows)


def _extension(some: Lives, cases: Whole) -> Iterator[str]:
    return (f'"term":"{instant(term)}","apology":true,"reason":"chờ bổ sung",' for (term,) in _rows(cases, some.term))


def _result(some: Lives, cases: Whole) -> Iterator[str]:
    return (_ELECTRONIC[electronic] for (electronic,) in _rows(cases, some.electronic))


def _rating(some: Lives, cases: Whole) -> Iterator[str]:
    return (_RATED[satisfied] for (satisfied,) in _rows(cases, some.satisfied))


def _right_agency(some: Lives, cases: Whole) -> Iterator[str]:
    return (_AGENCY[agency] for (agency,) in _rows(cases, some.agency))


def _right_channel(some: Lives, cases: Whole) -> Iterator[str]:
    return (f'"channel":"{CHANNELS[channel]}",' for (channel,) in _rows(cases, some.channel))
