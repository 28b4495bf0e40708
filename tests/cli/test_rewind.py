"""`dossier work` refuses what must not be counted on, and `dossier rewind` answers what it can."""

import subprocess
from collections.abc import Iterator

import pytest
from msgspec import structs

from schemas.connection import KafkaConnection
from streams.audit.audit_run import audit
from streams.storage.deployment_plan import Plan
from tests.broker import delete_topics, make_deployment
from tests.cli.commands import Run, named
from tests.counted_topic import ask, delete_records, publish, random_events, shown, work

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

BACKED_UP = ("events", "facts", "windows", "progress", "dead_letters")


@pytest.fixture
def counted(plan: Plan, kafka: KafkaConnection) -> Iterator[Plan]:
    """A deployment of two partitions that has counted forty records."""
    plan = structs.replace(plan, kafka=kafka, partitions=2)
    make_deployment(plan)
    publish(kafka, *random_events(seed=1, count=40))
    work(plan)
    yield plan
    delete_topics(kafka)


@pytest.fixture
def variables(counted: Plan) -> dict[str, str]:
    return named(counted.kafka, counted.clickhouse)


def next_offset(plan: Plan, partition: int) -> int:
    ((last,),) = ask(plan, f"SELECT offset FROM progress FINAL WHERE partition = {partition}")
    return int(last) + 1


def test_a_clickhouse_restored_from_a_backup_counts_the_rest_again(
    dossier: Run, counted: Plan, variables: dict[str, str]
) -> None:
    for table in BACKED_UP:
        ask(counted, f"CREATE TABLE {table}_backup AS {table}")
        ask(counted, f"INSERT INTO {table}_backup SELECT * FROM {table}")
    backed_up = {partition: next_offset(counted, partition) for partition in (0, 1)}
    publish(counted.kafka, *random_events(seed=2, count=30))
    work(counted)
    expected = shown(counted)
    committed = {partition: next_offset(counted, partition) for partition in (0, 1)}
    for table in BACKED_UP:
        ask(counted, f"EXCHANGE TABLES {table} AND {table}_backup")

    refused = dossier("work", **variables)
    assert refused.code == 4
    assert refused.reason == (
        f"dossier-events partition 0: the group resumes at offset {committed[0]}, but the counts end before "
        f"{backed_up[0]} (and 1 more), as after a restored backup of ClickHouse: stop the workers and run "
        "`dossier rewind`"
    )
    assert "wrong  offsets     dossier-events partition 0: the group resumes" in dossier("doctor", **variables).out
    moves = [f"moved from {committed[at]} to {backed_up[at]}\n" for at in (0, 1)]
    dry = dossier("rewind", "--dry-run", **variables)
    assert (dry.code, dry.out) == (0, f"partition 0: would be {moves[0]}partition 1: would be {moves[1]}")
    done = dossier("rewind", **variables)
    assert (done.code, done.out) == (0, f"partition 0: {moves[0]}partition 1: {moves[1]}")
    assert (
        dossier("rewind", **variables).out
        == "nothing to do: the group's offsets are at the stored counts, or before them\n"
    )
    work(counted)
    assert shown(counted) == expected


def test_records_that_are_gone_are_written_down_before_anything_goes_on(
    dossier: Run, counted: Plan, variables: dict[str, str]
) -> None:
    following = next_offset(counted, 0)
    publish(counted.kafka, *random_events(seed=3, count=30))
    delete_records(counted.kafka, {0: following + 2})
    lost = (
        f"dossier-events partition 0 begins at offset {following + 2}, but {following} is the next to count: 2 records "
        "were deleted before they were counted: restore the topic, or, if they are gone for good, record the gap "
        "and resume after it with `dossier rewind --accept-gap`"
    )
    for refused in (dossier("work", **variables), dossier("rewind", **variables)):
        assert (refused.code, refused.reason) == (4, lost)
    assert ask(counted, "SELECT count() FROM gaps") == [(0,)]
    told = f"2 records, offsets {following} to {following + 1}\n"
    dry = dossier("rewind", "--accept-gap", "--dry-run", **variables)
    assert f"partition 0: would be recorded as a gap: {told}" in dry.out
    assert ask(counted, "SELECT count() FROM gaps") == [(0,)]
    done = dossier("rewind", "--accept-gap", **variables)
    assert done.code == 0
    assert f"partition 0: recorded as a gap: {told}" in done.out
    ((partition, epoch, first, last, why),) = ask(
        counted, "SELECT partition, epoch, from_offset, to_offset, why FROM gaps FINAL"
    )
    assert (partition, epoch, first, last) == (0, 1, following, following + 1)
    assert "`dossier rewind --accept-gap`" in why
    work(counted)
    assert audit(counted.clickhouse, counted.profile).differences == 0
    assert "1 accepted gaps of 2 records, see the table gaps" in dossier("doctor", **variables).out


def test_a_gap_before_anything_was_counted(dossier: Run, plan: Plan, kafka: KafkaConnection) -> None:
    plan = structs.replace(plan, kafka=kafka, partitions=2)
    make_deployment(plan)
    try:
        publish(kafka, *random_events(seed=4, count=20))
        delete_records(kafka, {1: 3})
        variables = named(kafka, plan.clickhouse)
        assert "3 records were deleted" in dossier("work", **variables).reason
        assert dossier("rewind", "--accept-gap", **variables).code == 0
        work(plan)
        assert audit(plan.clickhouse, plan.profile).differences == 0
        assert ask(plan, "SELECT from_offset, to_offset FROM gaps FINAL") == [(0, 2)]
    finally:
        delete_topics(kafka)


def test_from_the_start_everything_comes_again_and_changes_nothing(
    dossier: Run, counted: Plan, variables: dict[str, str]
) -> None:
    before = shown(counted)
    ask(counted, "TRUNCATE TABLE events")
    ends = {partition: next_offset(counted, partition) for partition in (0, 1)}
    done = dossier("rewind", "--to-start", **variables)
    assert done.out == "".join(f"partition {at}: moved from {end} to 0\n" for at, end in ends.items())
    work(counted)
    assert shown(counted) == before
    assert audit(counted.clickhouse, counted.profile).differences == 0


def test_a_topic_that_ends_before_the_counts(dossier: Run, counted: Plan, variables: dict[str, str]) -> None:
    ask(
        counted,
        "INSERT INTO progress SELECT * REPLACE (pos + 3 * 4096 AS pos, offset + 3 AS offset) FROM progress FINAL",
    )
    for refused in (dossier("work", **variables), dossier("rewind", **variables)):
        assert refused.code == 4
        assert "it was truncated" in refused.reason
        assert refused.reason.endswith("stop the workers and run `dossier rebuild`")


def test_no_worker_may_be_in_the_group(dossier: Run, deployed: dict[str, str], worker: subprocess.Popen[str]) -> None:
    for command in ("rewind", "rebuild"):
        refused = dossier(command, **deployed)
        assert refused.code == 1
        assert "dossier: workers are in the group: test-worker; stop them" in refused.err
        assert worker.poll() is None


def test_a_worker_that_was_just_killed_is_waited_for(
    dossier: Run, deployed: dict[str, str], worker: subprocess.Popen[str]
) -> None:
    worker.kill()
    worker.wait()
    assert dossier("rewind", **deployed).code == 0


def test_tables_that_a_later_version_made(dossier: Run, counted: Plan, variables: dict[str, str]) -> None:
    ask(counted, "INSERT INTO migrations VALUES ('0999_later.sql', 'checksum', now64(3))")
    for command in ("work", "migrate", "rewind", "rebuild"):
        refused = dossier(command, **variables)
        assert refused.code == 2
        assert "has 0999_later.sql, which this version (dossier " in refused.err
        assert refused.err.endswith("use the version that applied it, or a later one\n")


def test_tables_that_this_version_has_yet_to_make(dossier: Run, counted: Plan, variables: dict[str, str]) -> None:
    ask(counted, "ALTER TABLE migrations DELETE WHERE name = '0006_identity.sql' SETTINGS mutations_sync = 2")
    refused = dossier("work", **variables)
    assert refused.code == 2
    assert refused.reason.endswith("lacks 0006_identity.sql: run `dossier migrate`")
    # The migration may be repeated, wherever it was interrupted.
    before = ask(counted, "SELECT topic, epoch, topic_id, partitions, rules, state FROM deployment FINAL")
    assert dossier("migrate", **variables).code == 0
    assert ask(counted, "SELECT topic, epoch, topic_id, partitions, rules, state FROM deployment FINAL") == before
    work(counted)


def test_a_database_of_another_cluster(dossier: Run, counted: Plan, variables: dict[str, str]) -> None:
    ask(
        counted,
        "INSERT INTO deployment SELECT * REPLACE ('elsewhere' AS cluster, changed_at + 1 AS changed_at) "
        "FROM deployment FINAL",
    )
    refused = dossier("work", **variables)
    assert refused.code == 4
    assert refused.reason.startswith(
        f"database {counted.clickhouse.database} belongs to the deployment on Kafka cluster elsewhere, but "
        f"{counted.kafka.bootstrap} is cluster "
    )
    assert "use another DOSSIER_DATABASE" in refused.reason
