"""What the worker's consumer hands out, without a broker: records and holes, and errors that name their place."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from aiokafka.consumer.fetcher import FetchError
from aiokafka.errors import OffsetOutOfRangeError, UnsupportedCodecError
from aiokafka.structs import TopicPartition

from streams.counting.record import Record, offset_gap
from streams.errors import LostEvents, Unreadable
from streams.worker.consumer import _seek_to_first, _take

FIRST, SECOND = TopicPartition("dossier-events", 0), TopicPartition("dossier-events", 1)


class State:
    """Where a partition is read; as with aiokafka, it has no position before the committed offset is known."""

    def __init__(self, position: int | None) -> None:
        self._position = position

    @property
    def has_valid_position(self) -> bool:
        return self._position is not None

    @property
    def position(self) -> int:
        assert self._position is not None
        return self._position

    @position.setter
    def position(self, position: int) -> None:
        self._position = position


class Fetched:
    """What a fetch brought: records, and the position after them; reading it may fail."""

    def __init__(self, state: State, offsets: Sequence[int], position: int, error: Exception | None = None) -> None:
        self._state, self._offsets, self._position, self._error = state, offsets, position, error
        self._left = True

    def getall(self, most: int | None) -> list[Record]:
        if self._error:
            raise self._error
        taken = self._offsets[:most]
        self._offsets = self._offsets[len(taken) :]
        self._left = bool(self._offsets)
        self._state.position = taken[-1] + 1 if self._left else self._position
        return [Record(9, offset, 0, b"{}") for offset in taken]

    def has_more(self) -> bool:
        return self._left


class Client:
    """The fetcher, the subscriptions and the consumer of aiokafka in one, as far as they are asked."""

    def __init__(self, states: Mapping[TopicPartition, State], records: Mapping[TopicPartition, Any]) -> None:
        self._records = dict(records)
        self._wait_consume_future = None
        self.states = states
        self.subscription = self.assignment = self
        self.sought: dict[TopicPartition, int] = {}
        self.first = 0

    def _notify(self, _: object) -> None:
        """Nobody waits."""

    def is_assigned(self, place: TopicPartition) -> bool:
        return place in self.states

    def state_value(self, place: TopicPartition) -> State:
        return self.states[place]

    async def beginning_offsets(self, places: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.first)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought[place] = offset


def take(client: Client, most: int | None = None) -> dict[int, list[tuple[int, int]]]:
    found = _take(client, client, set(client.states), most)
    return {place.partition: [(each.first, each.offset) for each in records] for place, records in found.items()}


def test_holes_are_handed_out_between_and_behind_the_records() -> None:
    state = State(3)
    client = Client({FIRST: state}, {FIRST: Fetched(state, [5, 6, 9], 12)})
    assert take(client) == {0: [(3, 4), (5, 5), (6, 6), (7, 8), (9, 9), (10, 11)]}
    assert not client._records, "what comes next is fetched"


def test_what_is_taken_in_parts_has_every_hole_once() -> None:
    state = State(3)
    client = Client({FIRST: state}, {FIRST: Fetched(state, [5, 6, 9], 12)})
    assert take(client, 2) == {0: [(3, 4), (5, 5), (6, 6)]}
    assert take(client, 2) == {0: [(7, 8), (9, 9), (10, 11)]}
    assert take(client, 2) == {}


def test_a_fetch_of_nothing_but_an_aborted_transaction_is_a_hole() -> None:
    state = State(3)
    found = _take(client := Client({FIRST: state}, {FIRST: Fetched(state, [], 40)}), client, {FIRST}, 500)
    assert found == {FIRST: [offset_gap(0, 3, 39)]}


def test_what_belongs_to_a_partition_that_is_gone_is_dropped() -> None:
    client = Client({}, {FIRST: Fetched(State(0), [0], 1)})
    assert take(client) == {}
    assert not client._records


def test_what_was_fetched_before_a_rebalance_gave_the_partition_back_is_dropped() -> None:
    client = Client({FIRST: State(None)}, {FIRST: Fetched(State(0), [0], 1)})
    assert take(client) == {}
    assert not client._records


@pytest.mark.parametrize("error", [UnsupportedCodecError("no zstd"), RuntimeError("a library's own")])
def test_a_record_that_cannot_be_decoded_is_named_by_partition_and_offset(error: Exception) -> None:
    state = State(7)
    client = Client({SECOND: state}, {SECOND: Fetched(state, [7], 8, error)})
    with pytest.raises(Unreadable, match=rf"dossier-events partition 1 from offset 7 on .*{error}"):
        take(client)


def test_an_error_of_one_partition_loses_nothing_of_another() -> None:
    states = {FIRST: State(0), SECOND: State(5)}
    failed = FetchError(error=OffsetOutOfRangeError({SECOND: 5}), backoff=0.1)
    client = Client(states, {FIRST: Fetched(states[FIRST], [0], 1), SECOND: failed})
    assert take(client) == {0: [(0, 0)]}
    with pytest.raises(OffsetOutOfRangeError):
        take(client)


def test_where_the_log_begins_later_reading_goes_on_there_and_counting_judges() -> None:
    client = Client({}, {})
    client.first = 8
    asyncio.run(_seek_to_first(client, {FIRST: 5, SECOND: -1}))
    assert client.sought == {FIRST: 8, SECOND: 8}


def test_a_log_that_was_cut_off_is_not_read_from_its_beginning() -> None:
    client = Client({}, {})
    with pytest.raises(LostEvents, match=r"does not have offset 5, .* the partition was truncated and begins at 0"):
        asyncio.run(_seek_to_first(client, {FIRST: 5}))
    assert not client.sought
