"""The outcome of a scenario, and the table of all outcomes."""

from collections.abc import Sequence

from msgspec import Struct
from rich.table import Table


class Outcome(Struct, frozen=True, kw_only=True):
    """A scenario that was run: its number of faults, the events sent, and what was wrong at the end.

    `facts` and `windows` are those that differ from the oracle's; `lost` and `doubled` are events and counts that are
    missing or too many; `audit` is what `dossier audit` reports. `failure` says what went wrong beside the counts,
    `skipped` why nothing was done.
    """

    scenario: str = ""
    runs: int = 0
    events: int = 0
    facts: int = 0
    windows: int = 0
    lost: int = 0
    doubled: int = 0
    audit: int = 0
    seconds: float = 0.0
    failure: str = ""
    skipped: str = ""
    examples: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether nothing was wrong; a skipped scenario has not passed."""
        wrong = self.facts or self.windows or self.lost or self.doubled or self.audit
        return not (wrong or self.failure or self.skipped)


COLUMNS = ("runs", "events", "facts", "windows", "lost", "doubled", "audit")
"""The figures of the table, between the scenario and its seconds."""


def table(outcomes: Sequence[Outcome]) -> Table:
    """One row a scenario, and their sums."""
    shown = Table(title="Facts and windows that differ, counts lost and doubled")
    for heading in ("scenario", "runs", "events", "facts differing", "windows differing", "lost", "doubled", "audit"):
        shown.add_column(heading, justify="left" if heading == "scenario" else "right")
    shown.add_column("seconds", justify="right")
    for each in outcomes:
        if each.skipped:
            shown.add_row(each.scenario, f"skipped: {each.skipped}")
            continue
        style = None if each.passed else "red"
        shown.add_row(each.scenario, *_cells(each), f"{each.seconds:.0f}", style=style)
    shown.add_section()
    seconds = sum(each.seconds for each in outcomes)
    sums = (f"{sum(getattr(each, column) for each in outcomes):,}" for column in COLUMNS)
    shown.add_row("Total", *sums, f"{seconds:.0f}")
    return shown


def _cells(outcome: Outcome) -> list[str]:
    return [f"{getattr(outcome, column):,}" for column in COLUMNS]
