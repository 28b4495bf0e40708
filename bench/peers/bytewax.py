"""Bytewax: counted in tumbling windows that close at the end of the topic, with snapshots for recovery."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import bytewax.operators as op
from bytewax.connectors.kafka import KafkaSink, KafkaSinkMessage, KafkaSource
from bytewax.dataflow import Dataflow
from bytewax.operators.windowing import EventClock, TumblingWindower, count_window
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from bench.peers.peer_task import WINDOW_SECONDS, Meter, Task

task = Task.from_environment()
meter = Meter(task.folder)
login = task.librdkafka()
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Events come months late, and count; what is replayed is years old.
clock = EventClock(
    ts_getter=lambda event: datetime.fromisoformat(event["occurred_at"]), wait_for_system_duration=timedelta(days=3650)
)
windower = TumblingWindower(length=timedelta(seconds=WINDOW_SECONDS), align_to=EPOCH)


def cell(event: dict[str, Any]) -> str:
    """What events are counted by, beside the window."""
    meter.add()
    return f"{event['agency']}|{event['kind']}"


def message(counted: tuple[str, tuple[int, int]]) -> KafkaSinkMessage[bytes, bytes]:
    """A count as the output topic has it."""
    key, (window, events) = counted
    agency, kind = key.split("|")
    value = {"agency": agency, "window": window * WINDOW_SECONDS, "kind": kind, "events": events}
    return KafkaSinkMessage(key.encode(), json.dumps(value).encode())


flow = Dataflow(task.name.replace("-", "_"))
messages = op.input("events", flow, KafkaSource([task.kafka], [task.topic], tail=False, add_config=login))
events = op.map("decode", messages, lambda message: json.loads(message.value))
counts = count_window("count", events, clock, windower, cell)
op.output("counts", op.map("encode", counts.down, message), KafkaSink([task.kafka], task.output, add_config=login))

if __name__ == "__main__":
    recovery = task.folder / "recovery"
    if not recovery.exists():
        recovery.mkdir()
        init_db_dir(recovery, 1)
    cli_main(flow, epoch_interval=timedelta(seconds=10), recovery_config=RecoveryConfig(recovery))
