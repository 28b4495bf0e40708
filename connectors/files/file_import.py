"""The import of one file: rows in, events published, repeats skipped, what does not fit put aside."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from connectors.errors import EventTooLarge, TooManyRejects
from connectors.files.import_warnings import Oddities
from connectors.files.rejects_file import Rejects
from connectors.files.row import Read, Row
from connectors.files.row_mapper import Rule, Unfit
from schemas.events import Event

JUDGED_FROM = 100
"""Rows after which the share of rejects is judged; before, one bad row among few would stop everything."""
REMEMBERED = 100_000
"""Events of a file that are remembered, so that a row's repeats of its dossier's own data are sent once."""


@dataclass(slots=True)
class Tally:
    """What an import has done so far; `silent` are rows that fit and gave no event, `rejects` rows that did not fit.

    A row that did not fit may have given some of its events all the same. `kinds` are the events by their kinds.
    """

    rows: int = 0
    events: int = 0
    repeats: int = 0
    silent: int = 0
    rejects: int = 0
    kinds: Counter[str] = field(default_factory=Counter, compare=False)


class Import:
    """Runs the rows of one file through a rule; `tally` may be read while it runs, and `oddities` at its end.

    What of a row does not fit goes to `rejects` and the rest goes on, until more than the share `max_rejects` of the
    rows did not fit.
    """

    def __init__(
        self, rule: Rule, publish: Callable[[Event], None], rejects: Rejects, *, max_rejects: float = 1.0
    ) -> None:
        self._rule = rule
        self._publish = publish
        self._rejects = rejects
        self._max_rejects = max_rejects
        self._sent = _Recent(REMEMBERED)
        self.tally = Tally()
        self.oddities = Oddities(rule.mapping)

    def run(self, rows: Iterable[Read]) -> Iterator[None]:
        """Take the rows one by one, yielding after each: between two rows the caller may stop.

        Raises TooManyRejects, and whatever publishing raises.
        """
        tally = self.tally
        for row in rows:
            tally.rows += 1
            self._take(row)
            if tally.rows >= JUDGED_FROM:
                self._judge(self._max_rejects)
            yield
        # Few rows are judged by whether any fits at all.
        self._judge(self._max_rejects if tally.rows >= JUDGED_FROM else max(self._max_rejects, 1 - 1 / JUDGED_FROM))

    def _take(self, row: Read) -> None:
        if not isinstance(row, Row):
            self._put_aside(row, [Unfit("", "", row.reason)])
            return
        made = self._rule.events_of(row)
        unfit = made.unfit
        self.oddities.see(row, made)
        self.tally.silent += not made.events and not unfit
        for _, event in made.events:
            if self._sent.has(event.id, event.recorded, event.seq):
                self.tally.repeats += 1
                continue
            kind = str(event.__struct_config__.tag)
            try:
                self._publish(event)
            except EventTooLarge as error:
                unfit.append(Unfit("", "", str(error), kind))
                continue
            self.tally.events += 1
            self.tally.kinds[kind] += 1
        if unfit:
            self._put_aside(row, unfit)

    def _put_aside(self, row: Read, unfit: list[Unfit]) -> None:
        for each in unfit:
            self._rejects.add(row, each.column, each.value, each.reason, event=each.event)
        self.tally.rejects += 1

    def _judge(self, most: float) -> None:
        tally = self.tally
        if tally.rejects > most * tally.rows:
            raise TooManyRejects(
                f"{tally.rejects} of {tally.rows} rows do not fit, {most:.0%} may: see {self._rejects.path}, then mend "
                "the mapping or the file, or raise --max-rejects; importing again counts nothing twice"
            )


class _Recent:
    """What was published last, bounded: an id said again later, or in another order, is not a repeat."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._seen: OrderedDict[tuple[str, datetime, int], None] = OrderedDict()

    def has(self, event_id: str, recorded: datetime, seq: int) -> bool:
        """Whether this was seen; from now on it is."""
        key = (event_id, recorded, seq)
        if key in self._seen:
            self._seen.move_to_end(key)
            return True
        self._seen[key] = None
        if len(self._seen) > self._size:
            self._seen.popitem(last=False)
        return False
