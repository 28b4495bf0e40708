from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from clickhouse_driver import Client
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.connection import ClickHouseConnection
from schemas.dead_letter import dead_letter
from schemas.envelope import Rejection, RejectReason
from schemas.instant import to_micros
from schemas.tables import DEAD_LETTERS
from schemas.topics import EVENTS
from streams.counting.rows import dead_row
from streams.dead_letters.table import DeadLetterGroup, DeadLetterTable, Place, Selection, place_of
from streams.errors import NotMigrated
from streams.storage.clickhouse_client import connect
from streams.storage.clickhouse_store import ClickHouseStore

NOON = datetime(2026, 6, 1, 12, 0, 0, 123_000, tzinfo=UTC)
LATER = NOON + timedelta(days=1)
ANY = Selection()


@given(st.integers(0, 2**16 - 1), st.integers(0, 2**40 - 1), st.integers(0, 4095))
def test_a_place_is_read_as_it_is_written(partition: int, offset: int, line: int) -> None:
    assert place_of(str(Place(partition, offset, line))) == Place(partition, offset, line)


def test_a_place_in_another_topic_names_it() -> None:
    place = Place(3, 1204, 7, "dossier-inbox")
    assert str(place) == "dossier-inbox/3@1204:7"
    assert place_of(str(place)) == place


@pytest.mark.parametrize(
    "text", ["/3@12:1", "a b/3@12:1", "", "3", "3@12", "3@12:-1", "-3@12:1", "3@12:1 ", "3@1_2:1", "a@b:c", "3@١:1"]
)
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a place such as 3@1204:0"):
        place_of(text)


@pytest.fixture
def store(clickhouse: ClickHouseConnection) -> Iterator[ClickHouseStore]:
    with closing(ClickHouseStore(clickhouse)) as store:
        yield store


@pytest.fixture
def letters(clickhouse: ClickHouseConnection) -> Iterator[DeadLetterTable]:
    with closing(DeadLetterTable(clickhouse)) as letters:
        yield letters


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    client = connect(clickhouse)
    yield client
    client.disconnect()


def put(
    store: ClickHouseStore,
    place: Place,
    content: bytes = b"{",
    reason: RejectReason = "malformed",
    published_at: datetime = NOON,
) -> None:
    rejection = Rejection(place.line, reason, "seq", "seq = -1", content)
    letter = dead_letter(place.topic, place.partition, place.offset, published_at, rejection)
    store.write(DEAD_LETTERS, [dead_row(letter)])


def places(letters: DeadLetterTable, selection: Selection = ANY) -> list[str]:
    return [str(letter.place) for page in letters.pages(selection) for letter in page]


@pytest.mark.clickhouse
class TestLetters:
    def test_what_was_put_aside_is_found_with_its_source(
        self, store: ClickHouseStore, letters: DeadLetterTable
    ) -> None:
        put(store, Place(3, 12, 7), b'{"source":"one-stop","seq":-1}', "invalid")
        (letter,) = letters.newest(Selection(), 10)
        assert structs.asdict(letter) == {
            "place": Place(3, 12, 7),
            "reason": "invalid",
            "field": "seq",
            "detail": "seq = -1",
            "source": "one-stop",
            "published_at": NOON,
            "state": "open",
            "why": "",
            "erased": False,
            "decided_at": None,
        }
        assert letters.contents([letter]) == {letter.place: b'{"source":"one-stop","seq":-1}'}

    @pytest.mark.parametrize(
        "content", [b"", b"{", b"\xff\x00'\\", b'{"source":1}', b'["source"]', b'{"source":null}', b"[" * 20_000]
    )
    def test_a_line_without_a_source_in_it_has_none(
        self, store: ClickHouseStore, letters: DeadLetterTable, content: bytes
    ) -> None:
        put(store, Place(0, 0, 0), content)
        (letter,) = letters.newest(Selection(), 1)
        assert letter.source == ""
        assert letters.contents([letter]) == {letter.place: content}

    def test_they_are_selected_by_all_that_is_given(self, store: ClickHouseStore, letters: DeadLetterTable) -> None:
        put(store, Place(0, 1, 0), b'{"source":"a"}', "invalid")
        put(store, Place(0, 1, 1), b'{"source":"a"}', "unknown_kind")
        put(store, Place(1, 0, 0), b'{"source":"it\'s \\\\ b"}', "invalid", LATER)
        put(store, Place(1, 1, 0), b"\xff", "malformed", LATER)
        assert places(letters) == ["0@1:0", "0@1:1", "1@0:0", "1@1:0"]
        assert places(letters, Selection(reason="invalid")) == ["0@1:0", "1@0:0"]
        assert places(letters, Selection(source="a")) == ["0@1:0", "0@1:1"]
        assert places(letters, Selection(source="it's \\ b")) == ["1@0:0"]
        assert places(letters, Selection(source="")) == ["1@1:0"]
        assert places(letters, Selection(since=LATER)) == ["1@0:0", "1@1:0"]
        assert places(letters, Selection(until=LATER)) == ["0@1:0", "0@1:1"]
        assert places(letters, Selection(since=NOON, until=NOON)) == []
        assert places(letters, Selection(reason="invalid", source="a", since=NOON)) == ["0@1:0"]
        assert places(letters, Selection(places=(Place(1, 1, 0), Place(0, 1, 1), Place(9, 9, 9)))) == ["0@1:1", "1@1:0"]
        assert [str(letter.place) for letter in letters.newest(Selection(), 3)] == ["1@0:0", "1@1:0", "0@1:0"]
        assert letters.groups(Selection(state="open", since=NOON, until=LATER)) == [
            DeadLetterGroup("invalid", "a", 1),
            DeadLetterGroup("unknown_kind", "a", 1),
        ]

    def test_pages_hold_each_letter_once_and_none_that_comes_meanwhile(
        self, store: ClickHouseStore, letters: DeadLetterTable
    ) -> None:
        expected = [Place(partition, offset, line) for partition in (0, 2) for offset in (0, 5) for line in range(5)]
        for place in reversed(expected):
            put(store, place)
        found: list[Place] = []
        for page in letters.pages(Selection(state="open"), 3):
            found += [letter.place for letter in page]
            letters.decide(page, "replayed", "", LATER)
            # What is replayed may come back as a dead letter: it must not be replayed for ever.
            put(store, Place(2, 10 + len(found), 0))
        assert found == expected

    def test_those_of_several_topics_are_kept_apart(self, store: ClickHouseStore, letters: DeadLetterTable) -> None:
        put(store, Place(0, 1, 0), b"events")
        put(store, Place(0, 1, 0, "dossier-inbox"), b"inbox")
        both = letters.newest(Selection(), 9)
        assert [str(each.place) for each in both] == ["0@1:0", "dossier-inbox/0@1:0"]
        assert [str(each.place) for page in letters.pages(Selection(), 1) for each in page] == [
            "0@1:0",
            "dossier-inbox/0@1:0",
        ]
        assert letters.contents(both) == {both[0].place: b"events", both[1].place: b"inbox"}
        assert places(letters, Selection(topic="dossier-inbox")) == ["dossier-inbox/0@1:0"]
        letters.erase(both[1:])
        letters.decide(both[1:], "discarded", "why", LATER, erased=True)
        assert places(letters, Selection(state="open")) == ["0@1:0"]
        assert letters.contents(both)[both[0].place] == b"events"

    def test_the_last_decision_holds(self, store: ClickHouseStore, letters: DeadLetterTable) -> None:
        put(store, Place(0, 1, 0))
        put(store, Place(0, 2, 0))
        one = letters.newest(Selection(places=(Place(0, 1, 0),)), 1)
        letters.decide(one, "discarded", "Lý do: 'test' \\", LATER)
        (letter,) = letters.newest(Selection(state="discarded"), 9)
        assert (letter.place, letter.why, letter.decided_at) == (Place(0, 1, 0), "Lý do: 'test' \\", LATER)
        letters.decide(one, "replayed", "", LATER + timedelta(milliseconds=1))
        assert places(letters, Selection(state="discarded")) == []
        assert places(letters, Selection(state="replayed")) == ["0@1:0"]
        assert places(letters, Selection(state="open")) == ["0@2:0"]

    @pytest.mark.parametrize("published", [NOON, datetime(2000, 1, 1, tzinfo=UTC), datetime(2099, 12, 31, tzinfo=UTC)])
    def test_a_letter_that_is_written_again_stays_decided(
        self, store: ClickHouseStore, letters: DeadLetterTable, published: datetime
    ) -> None:
        put(store, Place(0, 1, 0), published_at=published)
        letters.decide(letters.newest(Selection(), 1), "discarded", "why", LATER)
        put(store, Place(0, 1, 0), published_at=published)
        assert places(letters, Selection(state="open")) == []

    def test_a_letter_of_a_topic_that_was_made_anew_is_open_again(
        self, store: ClickHouseStore, letters: DeadLetterTable
    ) -> None:
        put(store, Place(0, 1, 0))
        letters.decide(letters.newest(Selection(), 1), "discarded", "why", LATER)
        put(store, Place(0, 1, 0), published_at=LATER)
        assert places(letters, Selection(state="open")) == ["0@1:0"]

    def test_erasing_leaves_nothing_of_a_line_and_all_of_the_others(
        self, store: ClickHouseStore, letters: DeadLetterTable, client: Client
    ) -> None:
        put(store, Place(0, 1, 0), b'{"source":"Nguyen Van A"}')
        put(store, Place(0, 1, 0), b'{"source":"Nguyen Van A"}')
        put(store, Place(0, 1, 1), b"[")
        letters.erase(letters.newest(Selection(places=(Place(0, 1, 0),)), 1))
        rows = client.execute("SELECT line, content, detail, reason FROM dead_letters ORDER BY line")
        assert set(rows) == {(0, "", "", "malformed"), (1, "[", "seq = -1", "malformed")}

    def test_open_letters_are_a_view(self, store: ClickHouseStore, letters: DeadLetterTable, client: Client) -> None:
        put(store, Place(0, 1, 0))
        put(store, Place(0, 2, 0), b'{"source":"a"}', "invalid")
        letters.decide(letters.newest(Selection(reason="malformed"), 1), "discarded", "why", LATER)
        for nulls in (0, 1):
            rows = client.execute(
                "SELECT partition, offset, line, reason, source, published_at FROM open_dead_letters",
                settings={"join_use_nulls": nulls},
            )
            assert rows == [(0, 2, 0, "invalid", "a", NOON)]

    def test_deciding_and_erasing_nothing_is_allowed(self, letters: DeadLetterTable) -> None:
        letters.decide([], "discarded", "why", NOON)
        letters.erase([])

    def test_a_database_without_the_tables_is_told(self, letters: DeadLetterTable, client: Client) -> None:
        client.execute("DROP VIEW letters")
        with pytest.raises(NotMigrated, match="run `dossier migrate`"):
            letters.groups(Selection())

    def test_a_thousand_places_can_be_named_at_once(self, store: ClickHouseStore, letters: DeadLetterTable) -> None:
        rejection = Rejection(4095, "malformed", "", "", b"{")
        rows = [dead_row(dead_letter(EVENTS, 1023, 2**40 - n, NOON, rejection)) for n in range(1, 2001)]
        store.write(DEAD_LETTERS, rows)
        (page,) = letters.pages(Selection())
        assert len(letters.contents(page)) == len(page) == 2000
        letters.erase(page)
        letters.decide(page, "discarded", "why", LATER, erased=True)
        assert letters.groups(Selection(state="open")) == []
        assert to_micros(page[0].published_at) == to_micros(NOON)
