"""`dossier dead-letters`: what is shown, what is published again and counts once, and what is discarded."""

import io
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_driver import Client
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from msgspec import structs

from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.dead_letter import dead_letter
from schemas.envelope import MAX_EVENTS, MAX_LINES, Rejection, RejectReason, encode, encode_event
from schemas.events import Event, Received, Resolved
from schemas.partition import partition_of
from schemas.tables import DEAD_LETTERS
from schemas.topics import EVENTS
from streams.counting.rows import dead_row
from streams.dead_letters.table import DeadLetterTable, Place
from streams.storage.clickhouse_client import connect
from streams.storage.clickhouse_store import ClickHouseStore
from streams.storage.counting_progress import wait_until_counted
from tests.cli.commands import AWAY, Run, apart, environment
from tests.streams.cases import at, said

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]

PARTITIONS = 8
PUBLISHED = at("2026-03-03 12:00")


@pytest.fixture
def clickhouse(deployed: dict[str, str], clickhouse_server: ClickHouseConnection) -> ClickHouseConnection:
    return structs.replace(clickhouse_server, database=deployed["database"])


@pytest.fixture(autouse=True)
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    """A client of the deployment, which has no dead letters yet."""
    client = connect(clickhouse)
    for table in ("dead_letters", "dead_letter_decisions"):
        client.execute(f"TRUNCATE TABLE {table}")
    yield client
    client.disconnect()


class Aside:
    """Puts lines aside as a worker does."""

    def __init__(self, clickhouse: ClickHouseConnection) -> None:
        self._clickhouse = clickhouse

    def __call__(
        self,
        place: str,
        content: bytes | Event,
        reason: RejectReason = "malformed",
        *,
        detail: str = "what is wrong",
        published_at: datetime = PUBLISHED,
    ) -> None:
        partition, offset, line = map(int, re.split("[@:]", place))
        encoded = encode_event(content) if isinstance(content, Event) else content
        rejection = Rejection(line, reason, "seq", detail, encoded)
        with closing(ClickHouseStore(self._clickhouse)) as store:
            store.write(DEAD_LETTERS, [dead_row(dead_letter(EVENTS, partition, offset, published_at, rejection))])


@pytest.fixture
def aside(clickhouse: ClickHouseConnection) -> Aside:
    return Aside(clickhouse)


class Topic:
    """The events topic, from where it ended when the test began."""

    def __init__(self, kafka: KafkaConnection) -> None:
        self._consumer = KafkaConsumer(**kafka.options())
        self._partitions = [TopicPartition(EVENTS, number) for number in range(PARTITIONS)]
        self._begin = self._consumer.end_offsets(self._partitions)
        self._consumer.assign(self._partitions)

    def records(self) -> list[tuple[int, list[dict[str, Any]]]]:
        """The records that came since: the partition, and the lines decoded."""
        ends = self._consumer.end_offsets(self._partitions)
        for partition, offset in self._begin.items():
            self._consumer.seek(partition, offset)
        found: list[tuple[int, list[dict[str, Any]]]] = []
        while any(self._consumer.position(partition) < end for partition, end in ends.items()):
            for records in self._consumer.poll(1000).values():
                found += [(each.partition, [json.loads(line) for line in each.value.split(b"\n")]) for each in records]
        return found

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def topic(deployed: dict[str, str], kafka: KafkaConnection) -> Iterator[Topic]:
    assert deployed
    with closing(Topic(kafka)) as topic:
        yield topic


def received(dossier: str, local: str = "2026-03-02 08:00", **fields: Any) -> Received:
    return said(Received, local, dossier=dossier, agency="H01", id=f"{dossier} received", **fields)


def states(client: Client) -> dict[str, str]:
    rows = client.execute("SELECT partition, offset, line, state FROM letters")
    return {str(Place(*place)): state for *place, state in rows}


class TestList:
    def test_nothing_is_nothing(self, dossier: Run, deployed: dict[str, str]) -> None:
        assert dossier("dead-letters", "list", **deployed) == (0, "0 open dead letters\n", "")

    def test_a_summary_then_the_newest(self, dossier: Run, deployed: dict[str, str], aside: Aside) -> None:
        aside("3@12:7", received("D1", source="one-stop"), "misplaced")
        aside("3@12:8", received("D1", source="one-stop"), "misplaced")
        aside("0@1:0", b"secret {", published_at=PUBLISHED + timedelta(days=1))
        ended = dossier("dead-letters", "list", "--limit", "2", **deployed)
        assert (ended.code, ended.err) == (0, "")
        lines = [re.split(r"\s{2,}", line.strip()) for line in ended.out.splitlines()]
        assert lines == [
            ["3 open dead letters"],
            ["2", "misplaced", "one-stop"],
            ["1", "malformed", "(no source)"],
            [""],
            ["place", "published", "state", "reason", "field", "source", "detail"],
            ["0@1:0", "2026-03-04 12:00:00.000+07:00", "open", "malformed", "seq", "what is wrong"],
            ["3@12:7", "2026-03-03 12:00:00.000+07:00", "open", "misplaced", "seq", "one-stop", "what is wrong"],
            ["and 1 more: --limit lists them"],
        ]
        assert "secret" not in ended.out

    def test_a_limit_of_0_sums_up(self, dossier: Run, deployed: dict[str, str], aside: Aside) -> None:
        aside("3@12:7", b"{")
        ended = dossier("dead-letters", "list", "--limit", "0", **deployed)
        assert ended.out.splitlines() == ["1 open dead letter", "         1  malformed       (no source)"]

    @pytest.mark.parametrize(
        ("filters", "found"),
        [
            ((), ["0@1:0", "3@12:7", "3@12:8"]),
            (("--reason", "misplaced"), ["3@12:7"]),
            (("--source", "portal"), ["3@12:8"]),
            (("--source", ""), ["0@1:0"]),
            (("--since", "2026-03-03 12:00"), ["3@12:7", "3@12:8"]),
            (("--since", "2026-03-03T05:00:00Z"), ["3@12:7", "3@12:8"]),
            (("--until", "2026-03-03 12:00"), ["0@1:0"]),
            (("--until", "2026-03-03"), ["0@1:0"]),
            (("--since", "2026-03-03", "--source", "one-stop", "--reason", "misplaced"), ["3@12:7"]),
            (("--since", "2026-03-05"), []),
        ],
    )
    def test_by_reason_source_and_time(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, filters: Sequence[str], found: list[str]
    ) -> None:
        aside("3@12:7", received("D1", source="one-stop"), "misplaced")
        aside("3@12:8", received("D1", source="portal"), "future")
        aside("0@1:0", b"{", published_at=PUBLISHED - timedelta(days=1))
        ended = dossier("dead-letters", "list", "--json", *filters, **deployed)
        told = json.loads(ended.out)
        assert sorted(letter["place"] for letter in told["letters"]) == found
        assert told["total"] == sum(group["letters"] for group in told["groups"]) == len(found)

    def test_by_state(self, dossier: Run, deployed: dict[str, str], aside: Aside) -> None:
        for place in ("0@1:0", "0@1:1"):
            aside(place, b"{")
        assert dossier("dead-letters", "discard", "0@1:1", "--why", "a test", **deployed).code == 0
        for state, found in {
            "open": ["0@1:0"],
            "discarded": ["0@1:1"],
            "replayed": [],
            "all": ["0@1:0", "0@1:1"],
        }.items():
            told = json.loads(dossier("dead-letters", "list", "--state", state, "--json", **deployed).out)
            assert sorted(letter["place"] for letter in told["letters"]) == found
        told = json.loads(dossier("dead-letters", "list", "--state", "discarded", "--json", **deployed).out)
        assert (told["letters"][0]["why"], told["letters"][0]["erased"]) == ("a test", False)

    def test_a_time_that_is_none_is_wrong_usage(self, dossier: Run, deployed: dict[str, str]) -> None:
        ended = dossier("dead-letters", "list", "--since", "yesterday", **deployed)
        assert ended.code == 2
        assert "'yesterday' is not a date or time" in ended.err

    def test_a_terminal_is_told_nothing_by_what_somebody_sent(
        self, dossier: Run, deployed: dict[str, str], aside: Aside
    ) -> None:
        hostile = "\x1b]0;owned\x07\x1b[2J\r\n\u202e\x9b31m"
        content = json.dumps({"source": hostile}).encode()
        aside("0@1:0", content, detail=f"source = {hostile}")
        aside("0@1:1", f"{hostile} Sở Xây dựng".encode() + b"\xff\x00", detail=hostile)
        for arguments in (("list",), ("show", "0@1:0"), ("show", "0@1:1"), ("replay", "0@1:1")):
            ended = dossier("dead-letters", *arguments, **deployed)
            assert not [sign for sign in ended.out + ended.err if not sign.isprintable() and sign != "\n"]
        assert "\\x1b]0;owned\\x07" in dossier("dead-letters", "list", **deployed).out
        shown = dossier("dead-letters", "show", "0@1:1", **deployed).out
        assert shown.endswith("\n\\x1b]0;owned\\x07\\x1b[2J\\r\\n\\u202e\\x9b31m Sở Xây dựng\\xff\\x00\n")


class TestShow:
    def test_everything_with_what_to_do(self, dossier: Run, deployed: dict[str, str], aside: Aside) -> None:
        event = received("D1", source="one-stop")
        aside("3@12:7", event, "misplaced")
        ended = dossier("dead-letters", "show", "3@12:7", **deployed)
        assert (ended.code, ended.err) == (0, "")
        head, content = ended.out.split("\n\n")
        assert content == encode_event(event).decode() + "\n"
        assert [re.split(r"\s{2,}", line) for line in head.splitlines()] == [
            ["place", "3@12:7"],
            ["reason", "misplaced"],
            ["field", "seq"],
            ["detail", "what is wrong"],
            ["source", "one-stop"],
            ["published_at", "2026-03-03 12:00:00.000+07:00"],
            ["state", "open"],
            [
                "to do",
                "The producer does not use Kafka's own partitioner. Repair it; replay puts the event where it belongs.",
            ],
        ]

    def test_the_content_byte_for_byte(self, dossier: Run, deployed: dict[str, str], aside: Aside) -> None:
        aside("3@12:7", "{ Sở".encode())
        assert dossier("dead-letters", "show", "3@12:7", "--raw", **deployed).out == "{ Sở"

    @pytest.mark.parametrize(
        ("content", "told"), [(b"{ \xc4\x91", {"content": "{ đ"}), (b"\xff\x00", {"content_base64": "/wA="})]
    )
    def test_as_json(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, content: bytes, told: dict[str, str]
    ) -> None:
        aside("3@12:7", content)
        found = json.loads(dossier("dead-letters", "show", "3@12:7", "--json", **deployed).out)
        assert (found["place"], found["partition"], found["offset"], found["line"]) == ("3@12:7", 3, 12, 7)
        assert found["advice"]
        assert told.items() <= found.items()

    @pytest.mark.parametrize("command", [("show",), ("replay",), ("discard", "--why", "a test")])
    def test_where_there_is_none(self, dossier: Run, deployed: dict[str, str], command: Sequence[str]) -> None:
        ended = dossier("dead-letters", *command, "3@12:7", **deployed)
        assert ended.code == 2
        assert ended.reason == "no dead letter is at 3@12:7: `dossier dead-letters list --state all` lists them"

    def test_what_is_no_place(self, dossier: Run, deployed: dict[str, str]) -> None:
        ended = dossier("dead-letters", "show", "12", **deployed)
        assert ended.code == 2
        assert "'12' is not a place such as 3@1204:0" in ended.err


class TestReplay:
    def test_each_event_goes_to_its_own_partition(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic, client: Client
    ) -> None:
        dossiers = ["R1", "R2", "R3"]
        for line, name in enumerate(dossiers):
            aside(f"7@12:{line}", received(name), "misplaced")
        ended = dossier("dead-letters", "replay", "--reason", "misplaced", **deployed)
        assert ended == (0, "3 dead letters replayed as 3 events\n", "")
        found = {line["dossier"]: partition for partition, lines in topic.records() for line in lines}
        assert found == {name: partition_of(name, PARTITIONS) for name in dossiers}
        assert set(states(client).values()) == {"replayed"}
        assert dossier("dead-letters", "replay", "--all", **deployed).out == "0 dead letters replayed as 0 events\n"

    def test_a_dry_run_says_what_would_be_done(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic, client: Client
    ) -> None:
        aside("7@12:0", received("R1"), "misplaced")
        aside("7@12:1", b"{")
        ended = dossier("dead-letters", "replay", "--all", "--dry-run", **deployed)
        assert ended.code == 1
        assert ended.out.splitlines() == [
            f"7@12:0 would be replayed: received to partition {partition_of('R1', PARTITIONS)}",
            "1 dead letter would be replayed as 1 event, 1 refused",
        ]
        assert ended.err.startswith("7@12:1 refused: malformed: ")
        assert topic.records() == []
        assert set(states(client).values()) == {"open"}

    def test_what_would_be_dead_again_is_refused_and_the_rest_replayed(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic, client: Client
    ) -> None:
        for number in range(60):
            aside(f"1@{number}:0", b"{")
        aside("2@0:0", received("R1"))
        aside("2@1:0", b"", "empty")
        ended = dossier("dead-letters", "replay", "--all", **deployed)
        assert (ended.code, ended.out) == (1, "1 dead letter replayed as 1 event, 61 refused\n")
        assert len(ended.err.splitlines()) == 51
        assert ended.err.endswith("\nand 11 more\n")
        assert [line["dossier"] for _, lines in topic.records() for line in lines] == ["R1"]
        assert [place for place, state in states(client).items() if state == "replayed"] == ["2@0:0"]

    def test_the_future_is_refused_until_it_has_passed(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic
    ) -> None:
        soon = datetime.now(UTC) + timedelta(minutes=30)
        aside("1@0:0", said(Received, "2026-03-02 08:00", agency="H01", occurred_at=soon), "future")
        aside("1@0:1", received("R1"), "future")
        ended = dossier("dead-letters", "replay", "--all", **deployed)
        assert (ended.code, ended.out) == (1, "1 dead letter replayed as 1 event, 1 refused\n")
        assert re.fullmatch(r"1@0:0 refused: future: replay it after \S+, its occurred_at\n", ended.err)
        assert [line["dossier"] for _, lines in topic.records() for line in lines] == ["R1"]

    @pytest.mark.parametrize("by", ["file", "-"])
    def test_a_corrected_line_takes_the_place_of_the_letter(
        self,
        dossier: Run,
        deployed: dict[str, str],
        aside: Aside,
        topic: Topic,
        client: Client,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        by: str,
    ) -> None:
        aside("1@0:0", b'{"dossier":"R1"')
        (tmp_path / "line").write_bytes(encode_event(received("R1")) + b"\n")
        if by == "-":
            monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((tmp_path / "line").read_bytes())))
        content = tmp_path / "line" if by == "file" else "-"
        ended = dossier("dead-letters", "replay", "1@0:0", "--content", content, **deployed)
        assert ended == (0, "1 dead letter replayed as 1 event\n", "")
        assert [line["dossier"] for _, lines in topic.records() for line in lines] == ["R1"]
        assert client.execute("SELECT state, why FROM letters") == [("replayed", "corrected")]

    def test_a_correction_that_is_none_is_refused(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic, client: Client, tmp_path: Path
    ) -> None:
        aside("1@0:0", received("R1"), "misplaced")
        (tmp_path / "line").write_bytes(b"{}")
        ended = dossier("dead-letters", "replay", "1@0:0", "--content", tmp_path / "line", **deployed)
        assert (ended.code, ended.out) == (1, "0 dead letters replayed as 0 events, 1 refused\n")
        assert topic.records() == []
        assert states(client) == {"1@0:0": "open"}

    def test_a_record_of_too_many_lines_is_divided(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic
    ) -> None:
        events = [said(Received, "2026-03-02 08:00", dossier="R1", agency="H01", seq=n) for n in range(MAX_LINES + 1)]
        aside("1@0:0", encode(map(encode_event, events)), "too_many_lines")
        ended = dossier("dead-letters", "replay", "1@0:0", **deployed)
        assert ended == (0, f"1 dead letter replayed as {len(events):,} events\n", "")
        records = topic.records()
        numbers = [line.get("seq", 0) for _, lines in records for line in lines]
        assert numbers == list(range(len(events)))
        assert max(len(lines) for _, lines in records) <= MAX_EVENTS

    @pytest.mark.parametrize(
        "arguments",
        [
            (),
            ("--all", "--reason", "future"),
            ("1@0:0", "--all"),
            ("1@0:0", "--source", "a"),
            ("--content", "-", "--all"),
        ],
    )
    def test_nothing_is_taken_by_mistake(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic, arguments: Sequence[str]
    ) -> None:
        aside("1@0:0", received("R1"))
        assert dossier("dead-letters", "replay", *arguments, **deployed).code == 2
        assert topic.records() == []

    def test_without_kafka_nothing_is_marked(self, deployed: dict[str, str], aside: Aside, client: Client) -> None:
        aside("1@0:0", received("R1"))
        assert apart("dead-letters", "replay", "--all", **deployed | {"kafka": AWAY}).code == 3
        assert states(client) == {"1@0:0": "open"}

    def test_a_database_of_another_deployment_is_refused(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic, tmp_path: Path
    ) -> None:
        aside("1@0:0", received("R1"))
        (tmp_path / "date.toml").write_text('terms = "date"')
        assert dossier("dead-letters", "replay", "--all", profile=tmp_path / "date.toml", **deployed).code == 4
        assert topic.records() == []


class TestDiscard:
    def test_with_the_reason(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic, client: Client
    ) -> None:
        aside("1@0:0", b"", "empty")
        aside("1@0:1", received("R1"))
        ended = dossier("dead-letters", "discard", "--reason", "empty", "--why", "tombstones of a test", **deployed)
        assert ended == (0, "1 dead letter discarded\n", "")
        assert states(client) == {"1@0:0": "discarded", "1@0:1": "open"}
        shown = dossier("dead-letters", "show", "1@0:0", **deployed).out
        assert re.search(r"^why +tombstones of a test$", shown, re.M)
        assert dossier("dead-letters", "replay", "--all", **deployed).code == 0
        assert [line["dossier"] for _, lines in topic.records() for line in lines] == ["R1"]

    @pytest.mark.parametrize(
        "arguments", [("1@0:0",), ("1@0:0", "--why", " "), ("--why", "a"), ("--why", "a", "--erase")]
    )
    def test_never_without_a_reason_or_by_mistake(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, client: Client, arguments: Sequence[str]
    ) -> None:
        aside("1@0:0", b"{")
        assert dossier("dead-letters", "discard", *arguments, **deployed).code == 2
        assert states(client) == {"1@0:0": "open"}

    def test_a_dry_run_says_what_would_be_done(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, client: Client
    ) -> None:
        aside("1@0:0", b"{")
        ended = dossier("dead-letters", "discard", "--all", "--why", "a", "--erase", "--dry-run", **deployed)
        assert ended == (
            0,
            "1@0:0 would be discarded: malformed seq\n1 dead letter would be discarded and erased\n",
            "",
        )
        assert states(client) == {"1@0:0": "open"}
        assert client.execute("SELECT content FROM dead_letters") == [("{",)]

    def test_erasing_leaves_no_content_and_nothing_to_replay_but_a_correction(
        self, dossier: Run, deployed: dict[str, str], aside: Aside, topic: Topic, client: Client, tmp_path: Path
    ) -> None:
        aside("1@0:0", received("Nguyen Van A"), detail="dossier = 'Nguyen Van A'")
        aside("1@0:1", b"{")
        ended = dossier("dead-letters", "discard", "1@0:0", "--erase", "--why", "a name", **deployed)
        assert ended == (0, "1 dead letter discarded and erased\n", "")
        assert client.execute("SELECT content, detail FROM dead_letters WHERE line = 0") == [("", "")]
        assert client.execute("SELECT content FROM dead_letters WHERE line = 1") == [("{",)]
        ended = dossier("dead-letters", "replay", "1@0:0", **deployed)
        assert (ended.code, ended.err) == (1, "1@0:0 refused: its content was erased: give it again with --content\n")
        (tmp_path / "line").write_bytes(encode_event(received("R1")))
        assert dossier("dead-letters", "replay", "1@0:0", "--content", tmp_path / "line", **deployed).code == 0
        assert [line["dossier"] for _, lines in topic.records() for line in lines] == ["R1"]


class TestCounting:
    """With a worker: what is replayed counts, and counts once."""

    def test_a_replayed_event_counts_once_whatever_happens(
        self,
        dossier: Run,
        deployed: dict[str, str],
        worker: subprocess.Popen[str],
        kafka: KafkaConnection,
        clickhouse: ClickHouseConnection,
        client: Client,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        home = partition_of("C1", PARTITIONS)
        stray = next(number for number in range(PARTITIONS) if number != home)
        lines = [encode_event(event) for event in (received("C1"), said(Resolved, "2026-03-04 08:00", dossier="C1"))]
        producer = KafkaProducer(**kafka.options())
        for _ in range(2):
            producer.send(EVENTS, encode(lines), partition=stray)
        producer.send(EVENTS, b"broken {", partition=home)
        producer.flush()
        producer.close()
        wait_until_counted(kafka, clickhouse)
        assert sorted(client.execute("SELECT reason, count() FROM open_dead_letters GROUP BY reason")) == [
            ("malformed", 1),
            ("misplaced", 4),
        ]

        def replay(*arguments: str, code: int) -> None:
            assert dossier("dead-letters", "replay", *arguments, **deployed).code == code
            wait_until_counted(kafka, clickhouse)

        def die(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as killed:
            killed.setattr(DeadLetterTable, "decide", die)
            replay("--all", code=130)
        assert set(states(client).values()) == {"open"}
        replay("--all", code=1)
        assert sorted(states(client).values()) == ["open", *["replayed"] * 4]
        replay(*(place for place, state in states(client).items() if state == "replayed"), code=0)

        events = client.execute("SELECT id, partition FROM events FINAL WHERE dossier = 'C1' ORDER BY occurred_at")
        assert [partition for _, partition in events] == [home] * 2
        counted = "SELECT sum(received), sum(resolved) FROM windows FINAL WHERE agency = 'H01' AND partition = %(home)s"
        assert client.execute(counted, {"home": home}) == [(1, 1)]
        assert client.execute("SELECT outcome FROM facts FINAL WHERE dossier = 'C1'") == [("resolved",)]
        assert worker.poll() is None
        audited = dossier("audit", **deployed)
        assert audited.code == 0, audited

    def test_a_flood_ends_the_worker_with_the_reason_and_a_higher_ratio_lets_it_go_on(
        self,
        deployed: dict[str, str],
        kafka: KafkaConnection,
        clickhouse: ClickHouseConnection,
        client: Client,
        tmp_path: Path,
    ) -> None:
        producer = KafkaProducer(**kafka.options())
        producer.send(EVENTS, b"\n".join([b"{"] * 30), partition=0)
        producer.flush()
        producer.close()
        limited = deployed | {"data": str(tmp_path), "dead_lines": "10"}
        for _ in range(2):
            with work(**limited, dead_ratio="0.5") as stopped:
                _, log = stopped.communicate(timeout=60)
            assert stopped.returncode == 4
            assert re.search(
                r"dossier-events partition 0 has too many dead letters: 6 of \d+ lines cannot be counted", log
            )
        assert states(client) == {}
        with work(**limited, dead_ratio="1"):
            wait_until_counted(kafka, clickhouse)
        assert len(states(client)) == 30


@contextmanager
def work(**variables: str | Path) -> Iterator[subprocess.Popen[str]]:
    """A worker with these settings, killed in the end."""
    with subprocess.Popen(
        [sys.executable, "-m", "cli.main", "work"], env=environment(**variables), stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()
