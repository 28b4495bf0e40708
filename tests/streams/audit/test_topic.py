"""The topic against the tables: what was taken out of all of them, what was put into them, what was passed over."""

from collections.abc import Iterator, Mapping

import pytest
from msgspec import structs

from schemas.connection import KafkaConnection
from schemas.events import MAX_NUMBERED, Paid, Received
from schemas.partition import partition_of
from streams.audit.topic import TopicCheck
from streams.broker import topics
from streams.broker.group import commit_offsets
from streams.rebuild.replay import records_from_topic
from streams.storage.deployment_plan import Plan
from tests.broker import delete_topics, make_deployment
from tests.counted_topic import ask, publish, random_events, work
from tests.streams.cases import said

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

ALONE = next(
    said(Received, "2026-03-02 08:00", dossier=name, agency="H01")
    for name in (f"alone {number}" for number in range(9))
    if partition_of(name, 2) == 0
)


@pytest.fixture
def counted(plan: Plan, kafka: KafkaConnection) -> Iterator[Plan]:
    """A deployment that has counted events, repeats of some, a broken line and an event in a wrong partition."""
    plan = structs.replace(plan, kafka=kafka, partitions=2)
    make_deployment(plan)
    events = random_events(seed=1, count=40)
    publish(kafka, ALONE, *events, *events[:10])
    publish(kafka, b"no event", partition=0)
    publish(kafka, events[0], partition=1 - partition_of(events[0].dossier, 2))
    work(plan)
    yield plan
    delete_topics(kafka)


def test_all_there_is_to_see_from_the_topic(counted: Plan) -> None:
    def findings(since: Mapping[int, int] | None = None) -> list[tuple[str, str, str]]:
        return [(each.kind, each.stored, each.recomputed) for each in check.run(since).findings]

    check = TopicCheck(counted.kafka, counted.clickhouse)
    sound = check.run()
    assert (sound.findings, sound.records) == ([], 53)
    assert check.run(sound.ends).records == 0

    ask(counted, f"DELETE FROM events WHERE dossier = '{ALONE.dossier}'")
    assert findings() == [("topic", "nothing", f"event {ALONE.id} of {ALONE.dossier}")]
    assert findings(sound.ends) == []
    ask(counted, "DELETE FROM dead_letters WHERE reason = 'malformed'")
    assert ("topic", "nothing", "a dead letter") in findings()
    invented = "'invented' AS dossier, 'x' AS id"
    ask(counted, f"INSERT INTO events SELECT * REPLACE ({invented}) FROM events WHERE partition = 0 LIMIT 1")
    assert ("topic", "event x of invented", "no such event on the topic") in findings()


def test_what_a_full_dossier_did_not_take_is_a_dead_letter_and_no_event(counted: Plan) -> None:
    paid = [
        said(
            Paid,
            "2026-03-02 08:00",
            dossier=ALONE.dossier,
            id=f"p{number}",
            transaction=f"t{number}",
            amount=5,
            method="cash",
        )
        for number in range(MAX_NUMBERED + 2)
    ]
    publish(counted.kafka, *paid)
    work(counted, at_once=200)
    assert ask(counted, "SELECT count() FROM dead_letters FINAL WHERE reason = 'full'") == [(2,)]
    assert TopicCheck(counted.kafka, counted.clickhouse).run().findings == []
    ask(counted, "DELETE FROM dead_letters WHERE reason = 'full' AND offset = (SELECT max(offset) FROM dead_letters)")
    (found,) = TopicCheck(counted.kafka, counted.clickhouse).run().findings
    assert found.recomputed == f"event p{MAX_NUMBERED + 1} of {ALONE.dossier}"


def test_records_that_progress_and_group_were_moved_past(counted: Plan) -> None:
    publish(counted.kafka, structs.replace(ALONE, id="passed over"))
    ((before,),) = ask(counted, "SELECT offset FROM progress FINAL WHERE partition = 0")
    last = before + 1
    (skipped,) = records_from_topic(counted.kafka, {0: last}, {0: last + 1})
    ask(
        counted,
        "INSERT INTO progress SELECT * REPLACE (pos + 4096 AS pos, offset + 1 AS offset, "
        "record_offset + 1 AS record_offset, records + 1 AS records, "
        f"fromUnixTimestamp64Milli({skipped.published}) AS published_at) FROM progress FINAL WHERE partition = 0",
    )
    with topics.admin(counted.kafka) as client:
        commit_offsets(client, {0: last + 1})
    work(counted)
    found = TopicCheck(counted.kafka, counted.clickhouse).run().findings
    assert [(each.place, each.recomputed) for each in found] == [
        (f"partition 0 offset {last}", f"event passed over of {ALONE.dossier}")
    ]
    assert found[0].kind == "topic"
