"""Errors of the connectors, by what to do next."""

from schemas.errors import DossierError


class ConnectorError(DossierError):
    """The root of the errors of this package."""


class Unreachable(ConnectorError):
    """No broker answers at the address, or the topic is not there: start Kafka, mend the address, or migrate."""

    exit_code = 3


class Undelivered(ConnectorError):
    """Events were accepted but not acknowledged: publish the same source again once Kafka is well.

    Event ids repeat, so what had arrived is not counted twice. `events` is how many were accepted and are missing or
    uncertain; `partition` and `first_id` are those of the first envelope that is.
    """

    exit_code = 3

    def __init__(self, text: str, *, topic: str, partition: int, events: int, first_id: str) -> None:
        super().__init__(text)
        self.topic = topic
        self.partition = partition
        self.events = events
        self.first_id = first_id


class EventTooLarge(ConnectorError):
    """One event can never be published, others can: put it aside as a reject and go on."""


class WrongMapping(ConnectorError):
    """The mapping is wrong or does not fit the file; nothing was published."""

    exit_code = 2


class UnreadableFile(ConnectorError):
    """The file as a whole cannot be read: no rows, no header, another format or encoding."""

    exit_code = 2


class TooManyRejects(ConnectorError):
    """So many rows do not fit that the mapping is more likely wrong than the rows; what was published stays."""

    exit_code = 4
