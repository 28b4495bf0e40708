"""Fuzzing of the embedded ClickHouse server: a real one withstands it, and what is wrong with one is seen."""

import pytest

from chaos.fuzz.findings import chance_of
from chaos.fuzz.protocol_conversations import CUT_TABLE, conversation
from chaos.fuzz.server_answers import END_OF_STREAM, EXCEPTION, HELLO, PONG, read_answer
from chaos.fuzz.server_process import Pulse, Serving
from chaos.fuzz.server_target import fuzz_server
from deploy.embedded.clickhouse.wire_format import text, varint
from tests.thorough import sized


@pytest.mark.clickhouse
def test_a_server_withstands_thousands_of_malformed_conversations() -> None:
    inputs = sized(1000, 2500)
    fuzzed = fuzz_server(seed=20260701, inputs=inputs)
    assert [str(finding) for finding in fuzzed.findings] == []
    assert fuzzed.inputs == inputs
    kinds = {"statement", "reader's statement", "foreign", "cut", "bytes", "values", "fields"}
    assert kinds | {"exception", "answer", "hang-up"} <= set(fuzzed.outcomes)


@pytest.mark.clickhouse
def test_harm_is_seen(tmp_path_factory: pytest.TempPathFactory) -> None:
    with Serving(tmp_path_factory.mktemp("harm") / "data", sinks=1) as serving:
        client = serving.client()
        assert serving.unharmed(client) == []
        client.execute(f"INSERT INTO {CUT_TABLE} VALUES", [("part",)])
        client.execute("ALTER TABLE fuzz.known DELETE WHERE n = 7 SETTINGS mutations_sync = 1")
        client.execute("DROP TABLE fuzz.kept SYNC")
        assert len(serving.unharmed(client)) == 3
        client.disconnect()
        pulse = serving.pulse()
        assert pulse.memory > 1 << 20
        assert serving.rested(Pulse(pulse.memory, pulse.threads + 50, pulse.files + 50)).threads
        assert (serving.stop(), serving.log_problems(), serving.left_over()) == ([], [], [])


def test_a_conversation_follows_from_its_seed_and_number() -> None:
    for number in range(200):
        again = conversation(chance_of(3, number), "fuzz.sink")
        assert conversation(chance_of(3, number), "fuzz.sink") == again


def test_an_answer_is_whole_packets() -> None:
    greeting = (
        varint(HELLO) + text("ClickHouse") + varint(26) * 2 + varint(54430) + text("UTC") + text("host") + varint(1)
    )
    failure = varint(EXCEPTION) + b"\x3e\0\0\0" + text("DB::Exception") + text("no") + text("") + b"\0"
    answer = read_answer(greeting + varint(PONG) + failure)
    assert (answer.packets, answer.codes, answer.ended, answer.wrong) == ([HELLO, PONG, EXCEPTION], [62], True, "")
    assert read_answer(varint(PONG) + varint(END_OF_STREAM)).ended
    assert "cannot be read" in read_answer(failure[:-3]).wrong
    assert "none that a server sends" in read_answer(varint(99) + b"rest").wrong
