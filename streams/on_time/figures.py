"""Figures of a period, from the verdicts on the dossiers that belong to it: numbers of dossiers, never a rate."""

from collections import Counter
from collections.abc import Iterable

from msgspec import Struct

from schemas.events import Channel
from streams.on_time.period import InPeriod


class FormLine(Struct, frozen=True, kw_only=True):
    """A line of the form II.06a/VPCP/KSTT; the number of a column is that of the form."""

    online: int
    """4: received in the period, online."""
    otherwise: int
    """5: received in the period, directly or by public post."""
    carried_over: int
    """6"""
    early: int
    """8"""
    on_time: int
    """9: with those that wait for supplements, were given back or withdrawn."""
    late: int
    """10"""
    in_term: int
    """12"""
    overdue: int
    """13"""

    @property
    def received(self) -> int:
        """3: the same dossiers as 7 and 11 together."""
        return self.online + self.otherwise + self.carried_over

    @property
    def resolved(self) -> int:
        """7."""
        return self.early + self.on_time + self.late

    @property
    def in_process(self) -> int:
        """11."""
        return self.in_term + self.overdue


def form_line(dossiers: Iterable[tuple[Channel, InPeriod]]) -> FormLine:
    """The line of these dossiers of a period, each with its channel, by their verdicts of the report form."""
    entered: Counter[str] = Counter()
    stand: Counter[str] = Counter()
    for channel, found in dossiers:
        entered["carried over" if found.carried_over else channel] += 1
        stand[found.verdict.standing] += 1
    return FormLine(
        online=entered["online"],
        otherwise=entered["direct"] + entered["postal"],
        carried_over=entered["carried over"],
        early=stand["early"],
        on_time=stand["on time"],
        late=stand["late"],
        in_term=stand["in term"],
        overdue=stand["overdue"],
    )


def kept(found: Iterable[InPeriod]) -> tuple[int, int]:
    """How many of these are on time or in term, of how many: the progress of Decision 766, by verdicts of its rule.

    "Finished in time plus pending in time over all": what is open counts as well. The share of the resolved alone is
    another figure.
    """
    good = [each.verdict.is_good for each in found]
    return sum(good), len(good)
