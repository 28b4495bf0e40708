"""Errors of the connectors, by what to do next."""

from collections.abc import Sequence

from schemas.errors import DossierError
from schemas.reference.findings import Finding


class ConnectorError(DossierError):
    """The root of the errors of this package."""


class Unreachable(ConnectorError):
    """No broker answers at the address, or the topic is not there: start Kafka, correct the address, or migrate."""

    exit_code = 3


class Undelivered(ConnectorError):
    """Events were accepted but not acknowledged: publish the same source again once Kafka is healthy.

    Event ids are the same then, so nothing is counted twice. `events` is how many accepted events are missing or
    uncertain; `partition` and `first_id` are those of the first such envelope.
    """

    exit_code = 3

    def __init__(self, text: str, *, topic: str, partition: int, events: int, first_id: str) -> None:
        super().__init__(text)
        self.topic = topic
        self.partition = partition
        self.events = events
        self.first_id = first_id


class EventTooLarge(ConnectorError):
    """An event that can never be published: put it into the rejects file and go on with the others."""


class WrongMapping(ConnectorError):
    """The mapping is wrong or does not fit the file; nothing was published."""

    exit_code = 2


class UnreadableFile(ConnectorError):
    """The file as a whole cannot be read: no rows, no header, another format or encoding."""

    exit_code = 2


class TooManyRejects(ConnectorError):
    """Too many rows do not fit: the mapping is more likely wrong than the rows. What was published stays."""

    exit_code = 4


class WrongReferenceData(ConnectorError):
    """Files of reference data are wrong: correct everything that `findings` name. Nothing was read."""

    exit_code = 4

    def __init__(self, findings: Sequence[Finding]) -> None:
        first, *others = findings
        super().__init__(f"{first} (and {len(others)} more findings)" if others else str(first))
        self.findings = tuple(findings)
