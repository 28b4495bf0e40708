"""Workers read what any producer of Kafka may write: every codec, and transactions, of which committed ones count."""

import subprocess
import sys
import textwrap
import time
from pathlib import Path

import kafka.codec as kafka_codec
import pytest
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.topics import EVENTS
from streams.broker import topics
from streams.broker.group import committed_offsets
from streams.storage.clickhouse_client import connect
from streams.storage.counting_progress import lag
from tests.cli.commands import Run, environment
from tests.cli.test_work import await_, working
from tests.counted_topic import delete_records
from tests.foreign import CODECS, producer, received, send, transact

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

PARTITIONS = 8


@pytest.fixture
def clickhouse_of(deployed: dict[str, str], clickhouse_server: ClickHouseConnection) -> ClickHouseConnection:
    return structs.replace(clickhouse_server, database=deployed["database"])


def counts(clickhouse: ClickHouseConnection, like: str) -> dict[str, int]:
    client = connect(clickhouse)
    rows = client.execute(
        "SELECT agency, sum(received) FROM windows FINAL WHERE agency LIKE %(like)s GROUP BY agency", {"like": like}
    )
    client.disconnect()
    return dict(rows)


def ends(kafka: KafkaConnection) -> tuple[dict[int, int], dict[int, int]]:
    """Where the group goes on, and where the partitions end; those that are empty are left out."""
    with topics.admin(kafka) as client:
        found = topics.end_offsets(client, topics.find(client, [EVENTS])[EVENTS])
        return committed_offsets(client), {at: end for at, end in found.items() if end}


def test_every_codec_and_committed_transactions_count_and_nothing_else(
    dossier: Run,
    deployed: dict[str, str],
    clickhouse_of: ClickHouseConnection,
    kafka: KafkaConnection,
    tmp_path: Path,
    unused_port: int,
) -> None:
    # The log begins and ends with a transaction that is aborted, in every partition.
    transact(kafka, received("tx-aborted", 40), PARTITIONS, commits=False, name="first")
    with working(tmp_path, unused_port, **deployed) as (process, log):
        for codec in CODECS:
            with producer(kafka, codec=codec) as foreign:
                send(foreign, received(f"codec-{codec}", 50), PARTITIONS)
        transact(kafka, received("tx-committed", 40), PARTITIONS, commits=True)
        with producer(kafka, transaction="open") as foreign:
            foreign.begin_transaction()
            for partition in range(PARTITIONS):
                send(foreign, received("tx-open", 1), PARTITIONS, only=partition)
            with producer(kafka) as plain:
                send(plain, received("tx-after", 40), PARTITIONS)
            await_(lambda: counts(clickhouse_of, "tx-committed") == {"tx-committed": 40}, process, log)
            time.sleep(1)
            assert counts(clickhouse_of, "tx-after") == {}, "it is behind the open transaction in its partition"
            assert "wait for a transaction that producer" in dossier("doctor", **deployed).out
            assert lag(kafka, clickhouse_of).left >= 48
            foreign.abort_transaction()
        transact(kafka, received("tx-aborted", 40, dossiers="last"), PARTITIONS, commits=False, name="last")
        await_(lambda: not lag(kafka, clickhouse_of).left, process, log)
        await_(lambda: (found := ends(kafka))[0] == found[1], process, log)
        found = dossier("doctor", **deployed)
        assert "ok     offsets     topic, group and counts agree" in found.out
        assert "ok     workers     1 running, 0 of" in found.out
        process.terminate()
        assert process.wait(60) == 0
    expected = {f"codec-{codec}": 50 for codec in CODECS} | {"tx-committed": 40, "tx-after": 40}
    assert counts(clickhouse_of, "%") == expected
    assert dossier("audit", **deployed).code == 0
    assert dossier("rewind", "--accept-gap", **deployed).out.startswith("nothing to do")
    assert dossier("rebuild", "--from", "topic", **deployed).code == 0
    assert counts(clickhouse_of, "%") == expected
    assert not lag(kafka, clickhouse_of).left


def ended(folder: Path, before: str, **variables: str) -> tuple[int, str]:
    """How a worker ends in whose process this code ran before: its exit code, and the last line that it said."""
    code = f"{before}\nimport cli.main\ncli.main.main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "work", "--name", "broken"],
        env=environment(data=folder, **variables),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    lines = [line for line in done.stderr.splitlines() if not line.startswith(" ")]
    return done.returncode, lines[-1]


def raising(method: str) -> str:
    """Code that lets a method of aiokafka's raise, in the thread in which Faust keeps it."""
    module, name, what = method.rsplit(".", 2)
    return f"""
import {module}
async def fails(*_, **__):
    raise RuntimeError("broken on purpose")
{module}.{name}.{what} = fails
"""


def test_a_codec_that_cannot_be_read_ends_the_worker_with_one_clear_line(
    dossier: Run, deployed: dict[str, str], kafka: KafkaConnection, tmp_path: Path
) -> None:
    with producer(kafka, codec="zstd") as foreign:
        send(foreign, received("unreadable", 5), PARTITIONS, only=3)
    code, line = ended(tmp_path, "import aiokafka.codec\naiokafka.codec.cramjam = None", **deployed)
    assert code == 4
    assert "CRITICAL" in line
    assert "a record of dossier-events partition 3 from offset " in line
    assert "zstd" in line
    with pytest.MonkeyPatch.context() as during:
        during.setattr(kafka_codec, "zstd", None)
        assert "wrong  records     a record of dossier-events partition 3 from" in dossier("doctor", **deployed).out
        rebuilt = dossier("rebuild", "--from", "topic", **deployed)
        assert rebuilt.code == 4
        assert "a record of dossier-events" in rebuilt.err
        assert "zstd" in rebuilt.err
    dossier("rebuild", "--abandon", **deployed)


@pytest.mark.parametrize(
    "method",
    [
        "aiokafka.consumer.fetcher.Fetcher._proc_fetch_request",
        "aiokafka.consumer.group_coordinator.GroupCoordinator._heartbeat_routine",
        "streams.worker.consumer._Thread._fetch_records",
        "streams.worker.consumer._Thread._commit",
    ],
)
def test_an_exception_in_the_clients_thread_ends_the_worker(
    deployed: dict[str, str], kafka: KafkaConnection, tmp_path: Path, method: str
) -> None:
    with producer(kafka) as plain:
        send(plain, received("thread", 8), PARTITIONS)
    code, line = ended(tmp_path, raising(method), **deployed)
    assert code not in (0, 1), line
    assert "CRITICAL" in line, line


SENDER = """
import kafka.net.selector, kafka.producer.sender, threading
def fails(self):
    raise RuntimeError("broken on purpose")
{patched} = fails
"""


@pytest.mark.parametrize(
    "patched",
    ["kafka.producer.sender.Sender.run_once", "kafka.net.selector.NetworkSelector.run_forever"],
    ids=["the producer's thread goes round in circles", "the thread of the network dies"],
)
def test_an_exception_in_a_thread_of_kafka_python_ends_the_worker(
    deployed: dict[str, str], tmp_path: Path, patched: str
) -> None:
    # Broken only in the worker that runs: what it asks before it starts is asked in its own thread.
    code = f"""
import streams.worker.worker
run = streams.worker.worker.run
def broken(app, pipeline):
{textwrap.indent(SENDER.format(patched=patched), "    ")}
    run(app, pipeline)
streams.worker.worker.run = broken
"""
    ended_with, line = ended(tmp_path, code, **deployed)
    assert ended_with == 70
    assert "CRITICAL streams.worker.exit: the worker ends" in line
    assert "RuntimeError" in line


def test_records_that_were_deleted_before_they_were_counted_stop_the_worker_also_among_holes(
    dossier: Run,
    deployed: dict[str, str],
    kafka: KafkaConnection,
    tmp_path: Path,
    unused_port: int,
    clickhouse_of: ClickHouseConnection,
) -> None:
    with working(tmp_path, unused_port, **deployed) as (process, log):
        await_(lambda: not lag(kafka, clickhouse_of).left, process, log)
        process.terminate()
        process.wait(60)
    _, before = ends(kafka)
    transact(kafka, received("deleted", 40), PARTITIONS, commits=False)
    with topics.admin(kafka) as client:
        after = topics.end_offsets(client, topics.find(client, [EVENTS])[EVENTS])
    delete_records(kafka, {5: after[5]})
    refused = dossier("work", **deployed)
    assert refused.code == 4
    assert f"partition 5 begins at offset {after[5]}, but {before[5]} is the next to count" in refused.reason
    assert "wrong  offsets     dossier-events partition 5 begins" in dossier("doctor", **deployed).out
    accepted = dossier("rewind", "--accept-gap", **deployed)
    assert f"partition 5: recorded as a gap: {after[5] - before[5]} records" in accepted.out
    transact(kafka, received("tx-gone-on", 40), PARTITIONS, commits=True)
    with working(tmp_path, unused_port, **deployed) as (process, log):
        await_(lambda: not lag(kafka, clickhouse_of).left, process, log)
    assert counts(clickhouse_of, "tx-gone-on") == {"tx-gone-on": 40}
