"""Who may use the embedded server, and how."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class User:
    """A user of the embedded server.

    One who may only read has ClickHouse's `readonly = 2`: settings may be changed, as Grafana's plugin does with
    every query, but nothing else.
    """

    name: str
    password: str = field(default="", repr=False)
    reads_only: bool = False


DEFAULT_USERS = (User("default"), User("reader", reads_only=True))
"""Without passwords, for a server that only the own machine reaches."""
