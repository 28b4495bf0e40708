"""Events that move terms or end what they are held against, dense enough that stops, terms and ends meet."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from schemas import events as kinds
from schemas.events import Event

_MINUTES = (0, 3, 5, 6, 7, 8, 9, 12, 65, 130)
_DAYS = (0, 0, 0, 0, 0, 1, 5)


def random_term_event(random: Random, dossier: str, morning: datetime) -> Event:
    """An event of a dossier on this morning, or a day or some days later; a reception may be of the day before."""

    def instant() -> datetime:
        return morning + timedelta(days=random.choice(_DAYS), minutes=random.choice(_MINUTES))

    number, procedure = random.randint(1, 2), random.choice((None, "1.000001", "1.00002"))
    agency, channel = random.choice(("H01", "H02")), random.choice(("online", "direct", "postal"))
    kind, fields = random.choice(
        (
            (kinds.Received, {"agency": agency, "channel": channel, "procedure": procedure}),
            (kinds.Amended, {"procedure": procedure or "1.0", "channel": channel}),
            (kinds.Assigned, {"agency": agency}),
            (kinds.Transferred, {"agency": agency}),
            (kinds.TermSet, {"term": instant()}),
            (kinds.Extended, {"term": instant(), "number": number, "apology": number == 1}),
            (kinds.SupplementRequested, {"number": number}),
            (kinds.SupplementRequested, {"number": number}),
            (kinds.SupplementAnswered, {"number": number}),
            (kinds.SupplementAnswered, {"number": number}),
            (kinds.ObligationSet, {"number": number}),
            (kinds.ObligationMet, {"number": number}),
            (kinds.Paused, {"number": number, "reason": random.choice(("niêm yết công khai", "đi vắng"))}),
            (kinds.Resumed, {"number": number}),
            (kinds.Resolved, {}),
            (kinds.Resolved, {}),
            (kinds.Refused, {}),
            (kinds.Stopped, {}),
            (kinds.Returned, {}),
            (kinds.Reopened, {}),
        )
    )
    is_day_before = kind is kinds.Received and random.random() < 0.2
    header: dict[str, Any] = {
        "id": f"t{random.randrange(10**6)}",
        "dossier": dossier,
        "source": "simulation",
        "occurred_at": morning - timedelta(days=1) if is_day_before else instant(),
        "seq": random.randrange(9),
    }
    return kind(**header, **fields)
