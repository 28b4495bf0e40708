"""Why there is no figure; the text is what the table says."""


class PeerError(Exception):
    """The root of what can keep a system from being measured."""


class NotInstalled(PeerError):
    """It is optional and not there: run with --install."""


class CannotRun(PeerError):
    """What it needs is not here: the text says what."""


class Failed(PeerError):
    """It ended by itself or stalled; the text is the last line of its log."""
