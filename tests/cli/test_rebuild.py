"""`dossier rebuild` as a person runs it: it says what it will do, does it, can be stopped, and is gone on with."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from schemas.connection import KafkaConnection
from schemas.deployment_profile import Profile
from streams.broker.exclusive_command import ExclusiveCommand
from streams.storage.deployment_plan import Plan
from streams.storage.migration import make_topics
from tests.broker import delete_topics, make_deployment
from tests.cli.commands import Run, environment, named
from tests.counted_topic import add_partitions, ask, publish, random_events, shown, work

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

BY_DATE = Profile(terms="date")


@pytest.fixture
def counted(plan: Plan, kafka: KafkaConnection) -> Iterator[Plan]:
    """A deployment of two partitions that has counted two hundred records."""
    plan = structs.replace(plan, kafka=kafka, partitions=2)
    make_deployment(plan)
    publish(kafka, *random_events(seed=1, count=200))
    work(plan, at_once=50)
    yield plan
    delete_topics(kafka)


@pytest.fixture
def variables(counted: Plan) -> dict[str, str]:
    return named(counted.kafka, counted.clickhouse)


@pytest.fixture
def by_date(tmp_path: Path) -> Path:
    path = tmp_path / "date.toml"
    path.write_text('terms = "date"')
    return path


def test_two_at_once(dossier: Run, counted: Plan, variables: dict[str, str], tmp_path: Path) -> None:
    with ExclusiveCommand(counted.kafka, "rebuild"):
        # In a process of its own: the client keeps what it knows of groups by process.
        second = subprocess.run(
            [sys.executable, "-m", "cli.main", "rebuild"],
            env=environment(data=tmp_path, **variables),
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1, second.stdout
        assert "another rebuild runs: " in second.stderr
    assert dossier("rebuild", **variables).code == 0


def test_other_rules(dossier: Run, counted: Plan, variables: dict[str, str], by_date: Path) -> None:
    for command in ("work", "migrate"):
        refused = dossier(command, profile=by_date, **variables)
        assert refused.code == 4
        assert refused.err.endswith("count anew by these rules with `dossier rebuild`\n")
    ends = {at: int(last) + 1 for at, last in ask(counted, "SELECT partition, offset FROM progress FINAL")}
    ((events,),) = ask(counted, "SELECT count() FROM events FINAL")
    dry = dossier("rebuild", "--dry-run", profile=by_date, **variables)
    assert (dry.code, dry.err) == (0, "")
    assert dry.out.splitlines() == [
        f"rebuild database {variables['database']} from {events} raw events",
        "epoch: 1 -> 3",
        f"rules: {Profile().rules} -> {BY_DATE.rules}",
        f"partition 0: workers resume at offset {ends[0]}",
        f"partition 1: workers resume at offset {ends[1]}",
    ]
    refused = dossier("rebuild", profile=by_date, **variables)
    assert (refused.code, "`dossier rebuild --why" in refused.reason) == (2, True)
    done = dossier("rebuild", "--why", "Circular 1", profile=by_date, **variables)
    assert done.code == 0
    assert done.out == f"rebuilt: the counts are of epoch 3, rules {BY_DATE.rules}; start the workers\n"
    assert f"count {events} raw events into new tables" in done.err
    work(structs.replace(counted, profile=BY_DATE))
    assert dossier("audit", profile=by_date, **variables).code == 0
    assert dossier("work", **variables).code == 4


def test_a_topic_that_was_made_anew_and_is_shorter(dossier: Run, counted: Plan, variables: dict[str, str]) -> None:
    before = shown(counted)
    delete_topics(counted.kafka)
    make_topics(counted, lambda _: None, dry_run=False)
    publish(counted.kafka, *random_events(seed=2, count=8))
    for command in ("work", "migrate", "rewind"):
        refused = dossier(command, **variables)
        assert refused.code == 4
        assert "topic dossier-events was made anew" in refused.err
        assert refused.err.endswith("move the counts over with `dossier rebuild`\n")
    assert dossier("rebuild", **variables).code == 0
    assert shown(counted) == before
    work(counted)
    assert shown(counted) != before
    assert dossier("audit", **variables).code == 0


def test_a_topic_of_more_partitions(dossier: Run, counted: Plan, variables: dict[str, str]) -> None:
    add_partitions(counted.kafka, 4)
    refused = dossier("work", **variables)
    assert refused.code == 4
    assert "partition count 2, but now it is 4" in refused.reason
    assert refused.reason.endswith("move the counts over with `dossier rebuild`")
    from_topic = dossier("rebuild", "--from", "topic", **variables)
    assert from_topic.code == 4
    assert from_topic.err.endswith("count the raw events instead: `dossier rebuild`\n")
    assert dossier("rebuild", **variables).code == 0
    publish(counted.kafka, *random_events(seed=3, count=30))
    work(counted)
    assert dossier("audit", **variables).code == 0


@pytest.mark.parametrize("source", ["events", "topic"])
def test_stopped_by_ctrl_c_it_says_how_to_go_on(
    dossier: Run, counted: Plan, variables: dict[str, str], source: str, tmp_path: Path
) -> None:
    before = shown(counted)
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "rebuild", "--from", source],
        env=environment(data=tmp_path, batch_records="1", **variables),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    while "into new tables" not in said:
        said = process.stderr.readline()
        assert said, "it ended before it could be stopped"
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130
    assert rest.endswith("stopped: `dossier rebuild` resumes it, `dossier rebuild --abandon` abandons it\n")
    assert shown(counted) == before
    for command in ("work", "migrate"):
        refused = dossier(command, **variables)
        assert refused.code == 4
        assert refused.err.endswith("was begun and not finished: finish it with `dossier rebuild`\n")
    assert "was begun and not finished" in dossier("doctor", **variables).out
    assert dossier("rebuild", "--dry-run", **variables).out.startswith("finish the unfinished rebuild of database")
    assert dossier("rebuild", **variables).code == 0
    assert shown(counted) == before
    assert dossier("audit", **variables).code == 0


def test_an_unfinished_one_is_given_up(dossier: Run, counted: Plan, variables: dict[str, str], by_date: Path) -> None:
    assert dossier("rebuild", "--abandon", **variables).out == "no rebuild is unfinished\n"
    ask(
        counted,
        "INSERT INTO deployment SELECT * REPLACE (toUInt16(3) AS epoch, 'rebuilding' AS state, 'events' AS source) "
        "FROM deployment FINAL",
    )
    other = dossier("rebuild", profile=by_date, **variables)
    assert other.code == 4
    assert other.err.endswith("or give it up with `dossier rebuild --abandon`\n")
    done = dossier("rebuild", "--abandon", **variables)
    assert (done.code, done.out) == (0, "the rebuild is abandoned, the former counts serve\n")
    work(counted)


def test_giving_up_and_beginning_exclude_each_other(dossier: Run) -> None:
    ended = dossier("rebuild", "--abandon", "--from", "topic", kafka="127.0.0.1:1", clickhouse="127.0.0.1:1")
    assert ended.code == 2
    assert "--abandon takes no other option" in ended.err
