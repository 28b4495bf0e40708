"""Faust's own way: an agent that groups the stream anew and counts into a windowed table."""

from datetime import datetime, timedelta
from typing import Any

import faust

from bench.peers.peer_task import WINDOW_SECONDS, Meter, Task

task = Task.from_environment()
meter = Meter(task.folder)

app = faust.App(
    task.name,
    broker=f"kafka://{task.kafka}",
    broker_credentials=faust.SASLCredentials(username=task.user, password=task.password, mechanism="PLAIN"),
    store="memory://",
    topic_partitions=8,
    datadir=task.folder / "faust",
    web_enabled=False,
)


class Event(faust.Record, coerce=True, serializer="json"):
    """What is counted of an event."""

    agency: str
    kind: str
    occurred_at: datetime


def cell(event: Event) -> str:
    """What events are counted by, beside the window."""
    return f"{event.agency}|{event.kind}"


events = app.topic(task.topic, key_type=bytes, value_type=Event)
# Windows expire by the wall clock: these may never, since what is counted lies in the past.
counts = (
    app.Table("counts", default=int)
    .tumbling(timedelta(seconds=WINDOW_SECONDS), expires=timedelta(days=36_500), key_index=False)
    .relative_to_field(Event.occurred_at)  # type: ignore[arg-type]  # of the class it is a descriptor
)


@app.agent(events)
async def count(stream: Any) -> None:
    """Count every event in the window of its own time."""
    async for event in stream.group_by(cell, name="cell"):
        counts[cell(event)] += 1
        meter.add()


if __name__ == "__main__":
    app.main()
