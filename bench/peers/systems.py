"""The systems that run as a process of their own."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version

from bench.peers.counts import Counted, from_changelog, from_file, from_output
from bench.peers.installation import HERE, JAVA_ROOTS, Installation
from bench.peers.peer_task import Task
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
    counted: Callable[[KafkaConnection, Task], Counted]
    topic: str = SINGLE
    share: float = 1.0
    ends: bool = False
    flushes: bool = True
    not_killed: str = ""
    variables: dict[str, str] = field(default_factory=dict)


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
        not_killed="the embedded engine does not open a Kafka table again",
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
