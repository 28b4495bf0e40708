"""The task of a peer, passed in its environment, and the meter by which it reports progress.

Nothing but the standard library is used here: peers run in environments of their own.
"""

import json
import mmap
import os
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

WINDOW_SECONDS = 300
COUNTS = "counts.json"
_FIELDS = ("kafka", "name", "topic", "output", "user", "password")
_FORMAT = struct.Struct("<qq")


@dataclass(frozen=True, slots=True)
class Task:
    """Count the events of `topic` by (agency, five minutes, kind), and put the counts on the topic `output`.

    `name` is of the consumer group; what is to be kept is kept in `folder`. A system that has no use for an output
    topic writes COUNTS there.
    """

    kafka: str
    name: str
    topic: str
    output: str
    folder: Path
    user: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_environment(cls) -> "Task":
        """The task in the environment; raises KeyError outside the harness."""
        named = {name: os.environ[f"PEER_{name.upper()}"] for name in _FIELDS}
        return cls(**named, folder=Path(os.environ["PEER_FOLDER"]))

    def environment(self) -> dict[str, str]:
        """The task as environment variables of a process."""
        variables = {f"PEER_{name.upper()}": str(getattr(self, name)) for name in _FIELDS}
        return variables | {"PEER_FOLDER": str(self.folder)}

    def librdkafka(self) -> dict[str, str]:
        """How to log in to Kafka, as librdkafka and what is built upon it take it."""
        login = {"sasl.username": self.user, "sasl.password": self.password}
        return {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"} | login

    def write_counts(self, counts: Iterable[tuple[str, int, str, int]]) -> None:
        """Write (agency, window, kind, count) of every cell; windows are seconds since 1970."""
        (self.folder / COUNTS).write_text(json.dumps(list(counts)))


class Meter:
    """How many events were counted, in a file that the harness looks at; it goes on after a restart.

    A system that counts in large steps says itself when it has begun; for others that is the first event.
    """

    def __init__(self, folder: Path) -> None:
        with (folder / "meter").open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), _FORMAT.size)
        self._begun, self._counted = _FORMAT.unpack(self._map[:])

    @staticmethod
    def prepare(folder: Path) -> None:
        """Make the file, at zero."""
        (folder / "meter").write_bytes(bytes(_FORMAT.size))

    def begin(self) -> None:
        """Say that events are being read."""
        self._begun = 1
        self._map[:] = _FORMAT.pack(self._begun, self._counted)

    def add(self, events: int = 1) -> None:
        """Say that so many more were counted."""
        self._begun = 1
        self._counted += events
        self._map[:] = _FORMAT.pack(self._begun, self._counted)

    def read(self) -> tuple[bool, int]:
        """Whether counting has begun, and how many events are counted, whichever process says so."""
        begun, counted = _FORMAT.unpack(self._map[:])
        return bool(begun), counted
