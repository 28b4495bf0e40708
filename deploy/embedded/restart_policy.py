"""When a process that has ended is restarted. Pure: times are seconds of any monotonic clock."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """Wait `first` seconds after one crash, twice as long after each further one, never longer than `longest`.

    After `healthy` seconds of being ready, the count of crashes starts again at zero. From `failing` crashes in a row,
    the state is failing; the process is restarted all the same.
    """

    first: float = 0.5
    longest: float = 30.0
    healthy: float = 60.0
    failing: int = 3

    def crashes(self, before: int, ready_seconds: float) -> int:
        """Crashes in a row, this one included, after a process was ready that long."""
        return 1 if ready_seconds >= self.healthy else before + 1

    def delay(self, crashes: int) -> float:
        """Seconds from the last of so many crashes in a row to the next start."""
        # The exponent is bounded: a process may crash for months.
        return float(min(self.longest, self.first * 2 ** min(crashes - 1, 30)))
