"""The flood rule: so many lines that cannot be counted are no longer single accidents, and a worker must stop.

The lines of a partition are cut into windows of one length by their place in the log, and each window may hold so many
dead ones. What was seen depends on the log and the limit alone, not on how the log was cut into batches.
"""

from collections.abc import Sequence

from msgspec import Struct


class Limit(Struct, frozen=True):
    """How much is too much: more than `ratio` of `lines`, the length of a window; a ratio of 1 never is."""

    lines: int = 10_000
    ratio: float = 0.1

    @property
    def allowed(self) -> int:
        """Dead lines that a window may hold."""
        # A tenth and the like are no binary fractions: 0.29 of 100 is 29.
        return int(self.lines * self.ratio + 1e-9)


class Seen(Struct, frozen=True, gc=False):
    """What was seen of the window a partition is in."""

    lines: int = 0
    dead: int = 0


LIMIT = Limit()
NOTHING = Seen()


def see(seen: Seen, lines: int, dead: Sequence[int], limit: Limit) -> tuple[Seen, bool]:
    """What is seen after so many more lines, and whether that is a flood; `dead` are the dead ones' indexes, in order.

    In a flood it is what is seen up to the line that is one too many. A window that holds too many already was accepted
    under another limit, and is not held against the lines after it.
    """
    before = NOTHING if seen.dead > limit.allowed else seen
    window, count = 0, before.dead
    for index in dead:
        if (of := (before.lines + index) // limit.lines) != window:
            window, count = of, 0
        count += 1
        if count > limit.allowed:
            return Seen((before.lines + index) % limit.lines + 1, count), True
    last, rest = divmod(before.lines + lines, limit.lines)
    return Seen(rest, count if last == window else 0), False
