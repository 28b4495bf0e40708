"""The dead-letter limit: a worker must stop where so many lines cannot be counted that they are no single accidents.

The lines of a partition are cut into windows of equal length by their place in the log, and each window may hold a
limited number of dead ones. The result depends on the log and the limit alone, not on how the log is cut into batches.
"""

from collections.abc import Sequence

from msgspec import Struct


class DeadLetterLimit(Struct, frozen=True):
    """At most `ratio` of the `lines` of a window may be dead; a ratio of 1 allows everything."""

    lines: int = 10_000
    ratio: float = 0.1

    @property
    def allowed(self) -> int:
        """How many dead lines a window may hold."""
        # A tenth and the like are no binary fractions: 0.29 of 100 is 29.
        return int(self.lines * self.ratio + 1e-9)


class LimitWindow(Struct, frozen=True, gc=False):
    """The lines, and the dead ones among them, of the window that a partition is in."""

    lines: int = 0
    dead: int = 0


DEFAULT_LIMIT = DeadLetterLimit()
EMPTY_WINDOW = LimitWindow()


def observe(window: LimitWindow, lines: int, dead: Sequence[int], limit: DeadLetterLimit) -> tuple[LimitWindow, bool]:
    """The window after so many more lines, and whether they exceed the limit; `dead` are the dead ones' indexes.

    These are in order. Where the limit is exceeded, the window ends at the line that exceeds it. A window that already
    holds too many was accepted under another limit, and does not count against the lines after it.
    """
    before = EMPTY_WINDOW if window.dead > limit.allowed else window
    current, count = 0, before.dead
    for index in dead:
        if (of := (before.lines + index) // limit.lines) != current:
            current, count = of, 0
        count += 1
        if count > limit.allowed:
            return LimitWindow((before.lines + index) % limit.lines + 1, count), True
    last, rest = divmod(before.lines + lines, limit.lines)
    return LimitWindow(rest, count if last == current else 0), False
