"""How many readers the embedded server admits at once."""

import threading

import pytest

from deploy.embedded.clickhouse.errors import ServerError
from deploy.embedded.clickhouse.reader_slots import ReaderSlots


def test_a_query_waits_for_its_turn_and_not_for_ever() -> None:
    slots = ReaderSlots(connections=1, parallel=1, seconds=0.05)
    with slots.connected(), pytest.raises(ServerError, match="Too many readers"), slots.connected():
        pass
    entered = threading.Event()
    with slots.running(), pytest.raises(ServerError, match="Too many queries"), slots.running():
        entered.set()
    assert not entered.is_set()
    with slots.running():
        pass
