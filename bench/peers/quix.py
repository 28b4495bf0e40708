"""Quix Streams: grouped anew, counted in tumbling windows, every change of a count to a topic."""

import os
from datetime import datetime, timedelta
from typing import Any

from quixstreams import Application
from quixstreams.kafka import ConnectionConfig

from bench.peers.peer_task import WINDOW_SECONDS, Meter, Task

GRACE = timedelta(days=3650)
"""Events come months late, and count; what is replayed is years old."""


def occurred_at(value: Any, *_: Any) -> int:
    """The event's own time in milliseconds."""
    return int(datetime.fromisoformat(value["occurred_at"]).timestamp() * 1000)


def row(window: dict[str, int], key: str, *_: Any) -> dict[str, Any]:
    """A count as the output topic has it."""
    agency, kind = key.split("|")
    return {"agency": agency, "window": window["start"] // 1000, "kind": kind, "events": window["value"]}


def main(task: Task) -> None:
    """Run until told to stop."""
    meter = Meter(task.folder)
    app = Application(
        broker_address=ConnectionConfig.from_librdkafka_dict({"bootstrap.servers": task.kafka} | task.librdkafka()),
        consumer_group=task.name,
        auto_offset_reset="earliest",
        state_dir=task.folder / "state",
        processing_guarantee=os.environ["QUIX_GUARANTEE"],
    )
    events = app.topic(task.topic, value_deserializer="json", timestamp_extractor=occurred_at)
    counts = app.topic(task.output, value_serializer="json")
    frame = app.dataframe(events)
    frame = frame.group_by(lambda event: f"{event['agency']}|{event['kind']}", name="cell")
    frame = frame.tumbling_window(timedelta(seconds=WINDOW_SECONDS), grace_ms=GRACE).count().current()
    frame = frame.apply(row, metadata=True).to_topic(counts)
    frame.update(lambda _: meter.add())
    app.run()


if __name__ == "__main__":
    main(Task.from_environment())
