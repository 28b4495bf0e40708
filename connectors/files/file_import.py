"""The import of one file: rows become events, repeats are skipped, and what does not fit goes to the rejects file."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from connectors.errors import EventTooLarge, TooManyRejects
from connectors.files.column_reader import Reject
from connectors.files.import_warnings import ImportWarnings
from connectors.files.rejects_file import RejectsFile
from connectors.files.row import AnyRow, Row
from connectors.files.row_mapper import RowMapper
from schemas.events import Event

JUDGED_FROM = 100
"""Rows after which the share of rejects is checked; before that, one bad row among few would stop the import."""
REMEMBERED = 100_000
"""Events of a file that are remembered, so that a row's repeats of its dossier's own data are published once."""


@dataclass(slots=True)
class ImportCounts:
    """How far an import is: `silent` rows fit and gave no event, `rejects` are rows that did not fit.

    A rejected row may still have given some of its events. `kinds` counts events by kind.
    """

    rows: int = 0
    events: int = 0
    repeats: int = 0
    silent: int = 0
    rejects: int = 0
    kinds: Counter[str] = field(default_factory=Counter, compare=False)


class Import:
    """Runs the rows of one file through a mapper; `counts` may be read while it runs, `warnings` at its end.

    What does not fit goes to `rejects`, and the import goes on until more than the share `max_rejects` of the rows is
    rejected.
    """

    def __init__(
        self, mapper: RowMapper, publish: Callable[[Event], None], rejects: RejectsFile, *, max_rejects: float = 1.0
    ) -> None:
        self._mapper = mapper
        self._publish = publish
        self._rejects = rejects
        self._max_rejects = max_rejects
        self._published = _RecentEvents(REMEMBERED)
        self.counts = ImportCounts()
        self.warnings = ImportWarnings(mapper.mapping)

    def run(self, rows: Iterable[AnyRow]) -> Iterator[None]:
        """Process the rows one by one and yield after each: the caller may stop between two rows.

        Raises TooManyRejects, and whatever publishing raises.
        """
        counts = self.counts
        for row in rows:
            counts.rows += 1
            self._process(row)
            if counts.rows >= JUDGED_FROM:
                self._check_rejects(self._max_rejects)
            yield
        # A short file fails only where no row fits at all.
        is_short = counts.rows < JUDGED_FROM
        self._check_rejects(max(self._max_rejects, 1 - 1 / JUDGED_FROM) if is_short else self._max_rejects)

    def _process(self, row: AnyRow) -> None:
        if not isinstance(row, Row):
            self._reject(row, [Reject("", "", row.reason)])
            return
        mapped = self._mapper.events_of(row)
        rejects = mapped.rejects
        self.warnings.observe(row, mapped)
        self.counts.silent += not mapped.events and not rejects
        for _, event in mapped.events:
            if self._published.is_repeat(event.id, event.recorded, event.seq):
                self.counts.repeats += 1
                continue
            kind = str(event.__struct_config__.tag)
            try:
                self._publish(event)
            except EventTooLarge as error:
                rejects.append(Reject("", "", str(error), kind))
                continue
            self.counts.events += 1
            self.counts.kinds[kind] += 1
        if rejects:
            self._reject(row, rejects)

    def _reject(self, row: AnyRow, rejects: list[Reject]) -> None:
        for each in rejects:
            self._rejects.add(row, each.column, each.value, each.reason, event=each.event)
        self.counts.rejects += 1

    def _check_rejects(self, most: float) -> None:
        counts = self.counts
        if counts.rejects > most * counts.rows:
            raise TooManyRejects(
                f"{counts.rejects} of {counts.rows} rows do not fit, {most:.0%} may: see {self._rejects.path}, then "
                "correct the mapping or the file, or raise --max-rejects; importing again counts nothing twice"
            )


class _RecentEvents:
    """The events published last, bounded: an id recorded again later, or in another order, is not a repeat."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._keys: OrderedDict[tuple[str, datetime, int], None] = OrderedDict()

    def is_repeat(self, event_id: str, recorded: datetime, seq: int) -> bool:
        """Whether this event was published before; remembers it."""
        key = (event_id, recorded, seq)
        if key in self._keys:
            self._keys.move_to_end(key)
            return True
        self._keys[key] = None
        if len(self._keys) > self._size:
            self._keys.popitem(last=False)
        return False
