"""ClickHouse's Kafka table engine with a materialized view, in an engine of its own."""

import signal
import sys
import time
from pathlib import Path
from typing import Any

from bench.peers.peer_task import Meter, Task

SQL = Path(__file__).with_suffix(".sql")
LOOK_SECONDS = 0.25
CANNOT_RUN = 3
"""The exit code of a process that cannot do its task here; why is the last line that it printed."""


def main(task: Task) -> None:
    """Make the tables, say how far they are until told to stop, then write the counts."""
    from chdb import _chdb
    from chdb.session import Session

    session: Any = Session(str(task.folder / "clickhouse"))  # type: ignore[no-untyped-call]
    _chdb.reset_signal_handlers()  # type: ignore[attr-defined]
    stopping: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopping.append(number))

    def values(query: str) -> list[list[str]]:
        return [line.split("\t") for line in str(session.query(query, "TSV")).splitlines()]

    script = SQL.read_text().format(
        kafka=task.kafka, topic=task.topic, group=task.name, user=task.user, password=task.password
    )
    failures = []
    for statement in script.split(";\n"):
        try:
            session.query(statement)
        except RuntimeError as error:
            # The engine as a library complains after it has made the table: what counts is whether it is there.
            failures.append(str(error))
    if values("SELECT count() FROM system.tables WHERE database = 'peer'") != [["3"]]:
        sys.stderr.write(f"{' '.join(failures)}\n")
        sys.exit(CANNOT_RUN)
    meter = Meter(task.folder)
    counted = 0
    while not stopping:
        time.sleep(LOOK_SECONDS)
        if not counted and values("SELECT sum(num_messages_read) > 0 FROM system.kafka_consumers") == [["1"]]:
            meter.begin()
        [[now]] = values("SELECT sum(events) FROM peer.counts")
        meter.add(int(now) - counted)
        counted = int(now)
    rows = values("SELECT agency, toUnixTimestamp(window), kind, sum(events) FROM peer.counts GROUP BY ALL")
    task.write_counts((agency, int(window), kind, int(events)) for agency, window, kind, events in rows)


if __name__ == "__main__":
    main(Task.from_environment())
