"""How long a failed request waits before it is retried, and how often a failure is logged."""

_FIRST_SECONDS = 0.1
_LONGEST_SECONDS = 5.0
_LOGGED_EACH = 10
"""The first retries are logged each, later ones now and then: a database may be away for days."""


class Backoff:
    """The pauses between the attempts of one request: each doubles the last, up to five seconds."""

    def __init__(self) -> None:
        self.attempts = 0

    @property
    def is_logged(self) -> bool:
        """Whether the failure of the last attempt deserves a line in the log."""
        return self.attempts <= _LOGGED_EACH or (self.attempts - 1) % _LOGGED_EACH == 0

    def failed(self) -> None:
        """An attempt has failed."""
        self.attempts += 1

    @property
    def seconds(self) -> float:
        """The pause before the next attempt."""
        return float(min(_FIRST_SECONDS * 2.0 ** min(self.attempts - 1, 30), _LONGEST_SECONDS))
