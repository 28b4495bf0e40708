"""Errors of counting, named by what whoever meets them should do."""

from schemas.errors import DossierError


class StreamsError(DossierError):
    """The root of this package's errors."""


class Unreachable(StreamsError):
    """A service does not answer: start it, or correct its address; the text names both."""

    exit_code = 3


class NotMigrated(StreamsError):
    """Tables or topics are missing or older than the code: run `dossier migrate`."""

    exit_code = 2


class WrongIdentity(StreamsError):
    """Stored counts come from another topic or other rules than configured: nothing may be added to them."""

    exit_code = 4


class Unfinished(StreamsError):
    """A rebuild was begun and has not ended: finish it with `dossier rebuild`."""

    exit_code = 4


class Superseded(StreamsError):
    """The counts were rebuilt while this worker slept: restart it, nothing it did since is kept or acknowledged."""

    exit_code = 4


class NotAlone(StreamsError):
    """Workers are in the group, and what was asked needs them stopped; the text names them."""


class LostEvents(StreamsError):
    """Offsets are missing between what was counted and what the broker still has: stop, never count on."""

    exit_code = 4


class Unreadable(StreamsError):
    """A record is there and cannot be decoded: install what its compression needs, or mend the broker's disk."""

    exit_code = 4


class TooManyDeadLetters(StreamsError):
    """Too many lines cannot be counted: mend the producer or the worker, or accept them by a higher limit."""

    exit_code = 4


class Astray(StreamsError):
    """The broker and the counts disagree on what comes next: run the command that the text names."""

    exit_code = 4


class NoSuchLetter(StreamsError):
    """No dead letter is at the named place: `dossier dead-letters list` shows where there are some."""

    exit_code = 2


class NotReplayable(StreamsError):
    """A dead letter may not be published again as it is: correct it, wait, or discard it; the text says which."""


class AddressTaken(StreamsError):
    """The address for metrics cannot be listened on: name another one, or stop what holds it."""

    exit_code = 2


class RefusedRow(StreamsError):
    """ClickHouse refused a row for its data: a bug of ours, for what is decoded fits. Nothing is acknowledged."""

    exit_code = 4
