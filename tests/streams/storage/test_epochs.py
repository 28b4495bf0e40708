"""Which counts may be added to, and what is said where they may not."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec import structs

from streams.storage.epochs import Entry, History, Origin, State, difference, later_than

ORIGIN = Origin("cluster-1", "topic-1", 8, "v1 terms=instant time_zone=UTC")
WHEN = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"cluster": "cluster-2", "topic_id": "topic-2"}, "use another DOSSIER_DATABASE"),
        ({"topic_id": "topic-2"}, "was made anew"),
        ({"topic_id": "topic-2", "partitions": 4}, "was made anew"),
        ({"partitions": 16}, "have partition count 8, but now it is 16"),
        ({"rules": "v2 terms=instant time_zone=UTC"}, "have rules v1 terms=instant time_zone=UTC, but now it is v2"),
    ],
)
def test_the_first_thing_that_differs_is_told(changes: dict[str, str], said: str | None) -> None:
    found = difference(ORIGIN, structs.replace(ORIGIN, **changes), "dossiers", "broker:9092")
    assert (found is None) == (said is None)
    assert (said or "") in str(found)


def test_a_cluster_that_was_not_written_down_is_no_difference() -> None:
    assert difference(structs.replace(ORIGIN, cluster=""), ORIGIN, "dossiers", "broker:9092") is None


def entry(epoch: int, state: State) -> Entry:
    return Entry(epoch, ORIGIN, state, "", WHEN)


@pytest.mark.parametrize(
    ("entries", "serving", "unfinished", "last"),
    [
        ([], None, None, 0),
        ([entry(1, "serving")], 1, None, 1),
        ([entry(1, "serving"), entry(3, "rebuilding")], 1, 3, 3),
        ([entry(1, "serving"), entry(3, "abandoned")], 1, None, 3),
        ([entry(1, "serving"), entry(3, "abandoned"), entry(5, "serving")], 5, None, 5),
    ],
)
def test_the_last_epoch_that_serves_holds(
    entries: list[Entry], serving: int | None, unfinished: int | None, last: int
) -> None:
    history = History(entries)
    assert (history.serving and history.serving.epoch) == serving
    assert (history.unfinished and history.unfinished.epoch) == unfinished
    assert history.last_epoch == last


def test_a_change_is_later_than_the_one_before_whatever_the_clock_says() -> None:
    ahead = datetime.now(UTC) + timedelta(days=1)
    assert later_than(structs.replace(entry(1, "serving"), changed_at=ahead)) > ahead


@pytest.mark.parametrize(
    ("rules", "former"),
    [
        ("v1 terms=instant time_zone=Asia/Ho_Chi_Minh", "use the former version of this program, or"),
        ("v2 terms=date time_zone=Asia/Ho_Chi_Minh", "use the former profile, or"),
    ],
)
def test_counts_of_a_former_version_are_told_from_those_of_another_profile(rules: str, former: str) -> None:
    today = structs.replace(ORIGIN, rules="v2 terms=instant time_zone=Asia/Ho_Chi_Minh")
    found = difference(structs.replace(ORIGIN, rules=rules), today, "dossiers", "broker:9092")
    assert found
    assert former in str(found)
    assert "`dossier up --workers 0`" in str(found)
