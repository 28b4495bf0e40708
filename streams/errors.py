"""Errors of `streams`, named by what the reader should do next."""

from schemas.errors import DossierError


class StreamsError(DossierError):
    """The root of the errors of `streams`."""


class Unreachable(StreamsError):
    """A service does not answer: start it, or correct its address; the message names both."""

    exit_code = 3


class NoAccess(Unreachable):
    """A service refuses the user: correct the user, the password or its grants; the message names the variables."""


class NotMigrated(StreamsError):
    """Tables or topics are missing or older than the code: run `dossier migrate`."""

    exit_code = 2


class WrongIdentity(StreamsError):
    """Stored counts have another topic or other rules than the settings: nothing may be added to them."""

    exit_code = 4


class Unfinished(StreamsError):
    """A rebuild is unfinished: finish it with `dossier rebuild`."""

    exit_code = 4


class NeedsReason(StreamsError):
    """The command changes figures that were shown: say why, and it is kept with them."""

    exit_code = 2


class Superseded(StreamsError):
    """Another process has replaced this one, which is fenced off: restart it, none of its writes since are kept."""

    exit_code = 4


class NotExclusive(StreamsError):
    """Others are active, and the command needs to be alone: stop them, or wait; the message names them."""


class LostEvents(StreamsError):
    """Offsets are missing between the counts and what the broker still has: stop, never skip them."""

    exit_code = 4


class Unreadable(StreamsError):
    """A record exists and cannot be decoded: install the codec of its compression, or repair the broker's disk."""

    exit_code = 4


class TooManyDeadLetters(StreamsError):
    """Too many lines become dead letters: repair the producer or the worker, or raise the limit to accept them."""

    exit_code = 4


class Diverged(StreamsError):
    """The broker and the counts disagree on what comes next: run the command that the message names."""

    exit_code = 4


class NoSuchDeadLetter(StreamsError):
    """No dead letter is at the named place: `dossier dead-letters list` shows their places."""

    exit_code = 2


class NoSuchLoad(StreamsError):
    """No load of reference data has this number: `dossier reference history` shows those there are."""

    exit_code = 2


class NotReplayable(StreamsError):
    """A dead letter must not be published again as it is: correct it, wait, or discard it; the message says which."""


class AddressTaken(StreamsError):
    """The address for metrics cannot be listened on: name another one, or stop the process that uses it."""

    exit_code = 2


class StateUnusable(StreamsError):
    """Local state cannot be used: nothing is lost, ClickHouse is asked instead; the message says why."""


class RefusedRow(StreamsError):
    """ClickHouse refused a row because of its data: a bug, as decoded events fit. Nothing is acknowledged."""

    exit_code = 4
