"""What finally becomes of every case of the seed case: the plan that events tell of and the truth is counted from.

Columns of many cases at a time, as numpy arrays. Which cases are online, resolved and late is no chance but a quota,
so that the totals are exact for any number of dossiers; all else is drawn from the seed.
"""

import heapq
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice, repeat
from operator import itemgetter
from typing import TypeAlias

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from connectors.simulator.history import receptions
from connectors.simulator.office_calendar import CITY, OfficeCalendar
from connectors.simulator.simulation_plan import Agencies, Catalogue

DOSSIERS = 3_458_474
_ONLINE = 691_694
BEGIN = datetime(2018, 10, 26, tzinfo=CITY)
END = datetime(2020, 5, 24, tzinfo=CITY) + timedelta(days=1)
"""Dossiers are received from BEGIN up to END; what becomes of them goes on for some weeks."""

CHANNELS = ("direct", "online", "postal")
DIRECT, ONLINE, POSTAL = range(3)
OUTCOMES = ("", "resolved", "withdrawn", "refused", "stopped")
OPEN, RESOLVED, WITHDRAWN = range(3)
NO_SLIP, WRONG_TIME, WRONG_AGENCY, WRONG_CHANNEL, VOIDED_AWHILE, REOPENED, TRANSFERRED = range(7)
"""What was first said otherwise than it finally is; a transfer is no mistake, but moves all counts as one does."""

AGENCIES = Agencies(600).codes
PROCEDURES = Catalogue().procedures

Whole: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

_AT_ONCE = 4096
_CALENDAR = OfficeCalendar()
_ZIPF = np.cumsum(1 / np.arange(1, len(AGENCIES) + 1))
_DEMAND = np.cumsum(1 / np.arange(2, len(PROCEDURES) + 2))
_DAYS = np.array([procedure.days for procedure in PROCEDURES])
_FEES = np.array([procedure.fee for procedure in PROCEDURES])


class Lives(Struct, frozen=True):
    """Some cases as they finally are, in the order of their reception.

    Times are seconds since 1970 in UTC, and 0 where the thing never happens. `agency` and `procedure` are indexes into
    AGENCIES and PROCEDURES, `channel` and `outcome` into CHANNELS and OUTCOMES. `first_agency` and `first_channel` are
    what the reception said, `righted_at` is when a slip was put right. What is `void` was entered by mistake: it is a
    case more than the dossiers there are, and counts nowhere.
    """

    number: Whole
    void: Flags
    received_at: Whole
    channel: Whole
    first_channel: Whole
    agency: Whole
    first_agency: Whole
    procedure: Whole
    bears_fee: Flags
    term_original: Whole
    term: Whole
    extended_at: Whole
    supplement_at: Whole
    answered_at: Whole
    outcome: Whole
    ended_at: Whole
    late: Flags
    electronic: Flags
    returned_at: Whole
    paid_at: Whole
    paid_online: Flags
    amount: Whole
    refunded_at: Whole
    refunded: Whole
    digitised_at: Whole
    components: Whole
    digitised: Whole
    reused: Whole
    rated_at: Whole
    satisfied: Flags
    slip: Whole
    righted_at: Whole


class Quotas:
    """Which of so many dossiers are online, unresolved, open and late; asked in the order of their reception."""

    def __init__(self, dossiers: int) -> None:
        self.dossiers = dossiers
        self.online = dossiers * _ONLINE // DOSSIERS
        self.postal = dossiers // 50
        self.void = dossiers // 1000
        self._seen = 0
        self._resolved = 0

    def outcomes(self, void: Flags, fate: NDArray[np.float64]) -> tuple[Whole, Flags]:
        """The outcomes of the next cases, and whether they are resolved late: exactly 9 of 100 that are resolved.

        Three of 100 are withdrawn, refused or stopped, as `fate` has it; two of five that came last are open still.
        """
        ordinal = self._seen + np.cumsum(~void) - 1
        is_open = void | ((ordinal >= self.dossiers * 19 // 20) & _chosen(ordinal, 2, 5))
        outcome = np.where(_chosen(ordinal, 3, 100), WITHDRAWN + (fate * 3).astype(np.int64), RESOLVED)
        outcome[is_open] = OPEN
        resolved = outcome == RESOLVED
        late = resolved & _chosen(self._resolved + np.cumsum(resolved) - 1, 9, 100)
        self._seen += int(np.count_nonzero(~void))
        self._resolved += int(np.count_nonzero(resolved))
        return outcome, late


def lives(seed: int, dossiers: int) -> Iterator[Lives]:
    """The lives of so many dossiers, and of one void case for a thousand of them; the same for the same arguments."""
    quotas = Quotas(dossiers)
    begin, end = BEGIN.timestamp(), END.timestamp()
    shares = (
        (DIRECT, False, dossiers - quotas.online - quotas.postal),
        (ONLINE, False, quotas.online),
        (POSTAL, False, quotas.postal),
        (DIRECT, True, quotas.void),
    )
    arrivals = heapq.merge(
        *(
            zip(receptions(seed + place, begin, end, count, online=channel == ONLINE), repeat((channel, void)))
            for place, (channel, void, count) in enumerate(shares)
        ),
        key=itemgetter(0),
    )
    number = 0
    while some := list(islice(arrivals, _AT_ONCE)):
        received = np.array([int(at) for at, _ in some])
        channel, void = (np.array(column) for column in zip(*(how for _, how in some), strict=True))
        yield _lived(np.random.default_rng((seed, number)), quotas, number, received, channel, void)
        number += len(some)


def _lived(
    draws: np.random.Generator, quotas: Quotas, first: int, received: Whole, channel: Whole, void: Flags
) -> Lives:
    count = len(received)

    def share(share: float) -> Flags:
        return draws.random(count) < share

    def between(least: float, most: float) -> Whole:
        return (least + (most - least) * draws.random(count)).astype(np.int64)

    agency = np.searchsorted(_ZIPF, draws.random(count) * _ZIPF[-1], "right")
    procedure = np.searchsorted(_DEMAND, draws.random(count) * _DEMAND[-1], "right")
    outcome, late = quotas.outcomes(void, draws.random(count))
    ended = outcome != OPEN
    resolved = outcome == RESOLVED

    days = _DAYS[procedure]
    extra = np.where(ended & share(0.04), between(1, 5), 0)
    spent = np.where(extra > 0, days + extra * draws.random(count), days * (0.1 + 0.88 * draws.random(count)))
    # The twentieth of a day is what keeps a late result behind its term, whatever is drawn.
    spent = np.where(late, days + extra + 0.05 + draws.exponential(2.0, count), spent)
    term_original = _after(received, days)
    term = np.where(extra > 0, _after(received, days + extra), term_original)
    ended_at = np.where(ended, _after(received, spent), 0)
    under_way = np.where(ended, ended_at - received, 10 * 86_400)

    returned = resolved & share(0.57)
    returned_at = np.where(returned, ended_at + between(60, 3 * 86_400), 0)
    rated = returned & share(0.07)
    supplement = ~void & share(0.03)
    supplement_at = np.where(supplement, received + under_way // 4, 0)
    answered = supplement & ended
    digitised_there = ~void & share(0.08)
    components = np.where(digitised_there, between(2, 8), 0)
    digitised = (components * draws.random(count)).astype(np.int64)

    bears_fee = ~void & (_FEES[procedure] > 0) & share(0.25)
    paid = bears_fee & share(0.8)
    amount = np.where(paid, _FEES[procedure], 0)
    paid_at = np.where(paid, received + between(60, 3600), 0)
    refunded = paid & share(0.02)

    slip = _slips(draws.random(count), void, resolved, late)
    moved = (slip == WRONG_AGENCY) | (slip == TRANSFERRED)
    said_online = np.where(channel == ONLINE, DIRECT, ONLINE)
    return Lives(
        number=first + np.arange(count),
        void=void,
        received_at=received,
        channel=channel,
        first_channel=np.where(slip == WRONG_CHANNEL, said_online, channel),
        agency=agency,
        first_agency=np.where(moved, (agency + between(1, len(AGENCIES))) % len(AGENCIES), agency),
        procedure=procedure,
        bears_fee=bears_fee,
        term_original=term_original,
        term=term,
        extended_at=np.where(extra > 0, received + (term_original - received) * 9 // 10, 0),
        supplement_at=supplement_at,
        answered_at=np.where(answered, received + under_way // 2, 0),
        outcome=outcome,
        ended_at=ended_at,
        late=late,
        electronic=resolved & share(0.7),
        returned_at=returned_at,
        paid_at=paid_at,
        paid_online=paid & (draws.random(count) < np.where(channel == ONLINE, 0.85, 0.2)),
        amount=amount,
        refunded_at=np.where(refunded, paid_at + between(3600, 9 * 86_400), 0),
        refunded=np.where(refunded, np.where(share(0.7), amount, amount // 2), 0),
        digitised_at=np.where(digitised_there, received + between(60, 7200), 0),
        components=components,
        digitised=digitised,
        reused=((components - digitised) * draws.random(count)).astype(np.int64),
        rated_at=np.where(rated, returned_at + between(60, 86_400), 0),
        satisfied=rated & share(0.95),
        slip=slip,
        righted_at=np.where(ended, ended_at, received) + between(86_400, 9 * 86_400),
    )


def _slips(draw: NDArray[np.float64], void: Flags, resolved: Flags, late: Flags) -> Whole:
    chances = (
        (WRONG_TIME, 0.003, resolved),
        (WRONG_AGENCY, 0.002, ~void),
        (WRONG_CHANNEL, 0.002, ~void),
        (VOIDED_AWHILE, 0.001, ~void),
        (REOPENED, 0.03, late),
        (TRANSFERRED, 0.01, ~void),
    )
    slip = np.full(len(draw), NO_SLIP)
    least = 0.0
    for name, chance, possible in chances:
        slip[possible & (draw >= least) & (draw < least + chance)] = name
        least += chance
    return slip


def _after(at: Whole, days: NDArray[np.float64]) -> Whole:
    return np.fromiter(map(_CALENDAR.after, at.tolist(), days.tolist()), np.float64, len(at)).astype(np.int64)


def _chosen(ordinal: Whole, some: int, of: int) -> Flags:
    """Evenly `some` of every `of` that follow one another."""
    return (ordinal + 1) * some // of > ordinal * some // of
