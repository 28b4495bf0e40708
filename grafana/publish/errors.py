"""Errors of publishing, named by what to do next."""

from schemas.errors import DossierError


class PublishError(DossierError):
    """The root of this package's errors."""


class GrafanaAway(PublishError):
    """Grafana does not answer: start it, or correct its address."""

    exit_code = 3


class NotAllowed(PublishError):
    """The token is wrong, or may not do what is needed: the text names the permission."""

    exit_code = 2


class ChangedMeanwhile(PublishError):
    """Somebody else changed it since it was read: publish again."""


class Refused(PublishError):
    """Grafana does not take a document; the text is its own."""


class Foreign(PublishError):
    """Something of another owner is in a place that is ours: rename or remove it, nothing was changed."""

    exit_code = 4
