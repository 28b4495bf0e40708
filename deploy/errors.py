"""Errors of the embedded platform, named by the obstacle; each text says what to do next."""

from schemas.errors import DossierError


class DeployError(DossierError):
    """The root of what can go wrong while the embedded platform is started, watched or stopped."""


class UnusableData(DeployError):
    """The data directory cannot be used as it is: name another one, or correct what the text names."""

    exit_code = 2


class PortTaken(DeployError):
    """A port that was asked for is in use: name another one, or stop what holds it."""

    exit_code = 2


class AlreadyRuns(DeployError):
    """Another supervisor has this data directory: stop it first, or use another directory."""


class DownloadFailed(DeployError):
    """A download failed: run the command again, complete files are kept."""

    exit_code = 3


class NotReady(DeployError):
    """A process did not start, or a step before it failed: read the log that the text names."""


class Stopped(DeployError):
    """A stop was requested before the platform was ready."""
