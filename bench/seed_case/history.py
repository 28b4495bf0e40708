"""The events of the seed case: lines of JSON in the order in which they arrive.

The lines are written as text, which is several times as fast as encoding events; byte for byte they are what
`schemas.envelope.encode_event` makes of the events that they decode to.
"""

from bisect import bisect_left
from collections.abc import Iterator

import numpy as np

from bench.seed_case.case_lives import Lives, Whole, lives
from bench.seed_case.event_statements import instant, names, statements

_SOURCE = "one-stop"
_DUPLICATES = 0.02
_MONTH = 30 * 86_400


def history(seed: int, dossiers: int) -> Iterator[bytes]:
    """The events of the seed case with so many dossiers, encoded, in order of arrival.

    Only what is still to arrive is held: some weeks of traffic. The same arguments give the same lines.
    """
    pending: list[tuple[int, bytes]] = []
    for some in lives(seed, dossiers):
        pending += _arrivals(some, np.random.default_rng((seed, int(some.number[0]), 1)))
        pending.sort()
        # No word of a later case arrives before that case is received.
        arrived = bisect_left(pending, (int(some.received_at[-1]), b""))
        for _, line in pending[:arrived]:
            yield line
        del pending[:arrived]
    for _, line in pending:
        yield line


def _arrivals(some: Lives, draws: np.random.Generator) -> Iterator[tuple[int, bytes]]:
    """When each line arrives, always after it was put down, and when it arrives again where it does."""
    ids = names(some)
    for place, kind, cases, at, recorded_at, payload in statements(some):
        first, second = _due(recorded_at, draws)
        head, tail = f'{{"kind":"{kind}",', f'"seq":{place}}}'
        columns = (
            cases.tolist(),
            at.tolist(),
            recorded_at.tolist(),
            first.tolist(),
            second.tolist(),
            payload(some, cases),
        )
        for index, occurred, recorded, due, again, fields in zip(*columns, strict=False):
            case = ids[index]
            later = f'"recorded_at":"{instant(recorded)}",' if recorded != occurred else ""
            line = (
                f'{head}{fields}"id":"{case}-{place}","dossier":"{case}","source":"{_SOURCE}",'
                f'"occurred_at":"{instant(occurred)}",{later}{tail}'
            ).encode()
            yield due, line
            if again:
                yield again, line


def _due(recorded_at: Whole, draws: np.random.Generator) -> tuple[Whole, Whole]:
    """When words put down then arrive: mostly soon, some within the day, few after days; and again, or 0 for never."""
    count = len(recorded_at)
    draw = draws.random(count)
    lag = np.select([draw < 0.93, draw < 0.99], [1 + draw * 10, (draw - 0.93) * 5e5], (draw - 0.99) * 8e7)
    first = recorded_at + 1 + lag.astype(np.int64)
    later = 60 + (draws.random(count) ** 3 * _MONTH).astype(np.int64)
    return first, np.where(draws.random(count) < _DUPLICATES, first + later, 0)
