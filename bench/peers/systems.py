"""The systems that run as a process of their own, and how what they counted is read."""

import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

import msgspec

from bench import topics
from bench.dataset import Cell
from bench.peers.installation import HERE, JAVA_ROOTS, Installation
from bench.peers.task import COUNTS, Task
from schemas.connection import KafkaConnection
from schemas.topics import EVENTS

SINGLE = "single"
FLOOR = "floor"


@dataclass(frozen=True, slots=True)
class Peer:
    """A system.

    `command` raises NotInstalled. `share` of the events is all that a slow one gets. `ends` says that it stops at the
    end of the topic, `flushes` that it holds counts back until it stops. `not_killed` is why a SIGKILL is not tried.
    """

    name: str
    version: str
    command: Callable[[Installation], tuple[str, ...]]
    counted: Callable[[KafkaConnection, Task], Counter[Cell]]
    topic: str = SINGLE
    share: float = 1.0
    ends: bool = False
    flushes: bool = True
    not_killed: str = ""
    variables: dict[str, str] = field(default_factory=dict)


class _Row(msgspec.Struct, frozen=True):
    agency: str
    window: int
    kind: str
    events: int


def from_file(_: KafkaConnection, task: Task) -> Counter[Cell]:
    """The counts that the system wrote into its folder."""
    rows = msgspec.json.decode((task.folder / COUNTS).read_bytes(), type=list[tuple[str, int, str, int]])
    return Counter({(agency, window, kind): events for agency, window, kind, events in rows})


def from_output(kafka: KafkaConnection, task: Task) -> Counter[Cell]:
    """The counts on the output topic: of each cell the last one."""
    decode = msgspec.json.Decoder(_Row).decode
    rows = (decode(record.value) for record in topics.read(kafka, task.output))
    return Counter({(row.agency, row.window, row.kind): row.events for row in rows})


def from_changelog(kafka: KafkaConnection, task: Task) -> Counter[Cell]:
    """The counts in the changelog of Faust's table: keys are ["agency|kind", [begin, end]]."""
    last: Counter[Cell] = Counter()
    for record in topics.read(kafka, f"{task.name}-counts-changelog"):
        cell, (begin, _) = msgspec.json.decode(record.key or b"", type=tuple[str, tuple[float, float]])
        agency, kind = cell.split("|")
        last[agency, int(begin), kind] = msgspec.json.decode(record.value, type=int)
    return last


def _own(module: str, *arguments: str) -> Callable[[Installation], tuple[str, ...]]:
    return lambda _: (sys.executable, "-m", f"bench.peers.{module}", *arguments)


def _quix(name: str, guarantee: str) -> Peer:
    return Peer(
        name,
        (HERE / "quix.txt").read_text().strip().replace("==", " "),
        lambda installed: (installed.python("quix"), "-m", "bench.peers.quix"),
        from_output,
        variables={"QUIX_GUARANTEE": guarantee},
    )


def _streams(name: str, guarantee: str) -> Peer:
    _, artifact, release = JAVA_ROOTS[0].split(":")
    return Peer(name, f"{artifact} {release}", lambda installed: (*installed.java(), guarantee), from_output)


_FLOOR = f"aiokafka {version('aiokafka')}, msgspec {version('msgspec')}"
_NOT_DURABLE = "keeps nothing"

PEERS = (
    Peer(FLOOR, _FLOOR, _own("floor"), from_file, EVENTS, ends=True, flushes=False, not_killed=_NOT_DURABLE),
    Peer("floor-single", _FLOOR, _own("floor"), from_file, ends=True, flushes=False, not_killed=_NOT_DURABLE),
    Peer(
        "clickhouse-kafka",
        f"chdb-core {version('chdb-core')}",
        _own("clickhouse_kafka"),
        from_file,
        flushes=False,
    ),
    Peer(
        "faust-tables",
        f"faust-streaming {version('faust-streaming')}",
        _own("faust_tables", "worker", "--without-web", "-l", "warn"),
        from_changelog,
        share=0.1,
    ),
    _quix("quix", "at-least-once"),
    _quix("quix-exactly-once", "exactly-once"),
    Peer(
        "bytewax",
        (HERE / "bytewax.txt").read_text().split()[0].replace("==", " "),
        lambda installed: (installed.python("bytewax"), "-m", "bench.peers.bytewax"),
        from_output,
        ends=True,
    ),
    _streams("kafka-streams", "at_least_once"),
    _streams("kafka-streams-exactly-once", "exactly_once_v2"),
)
"""In the order of the table."""
