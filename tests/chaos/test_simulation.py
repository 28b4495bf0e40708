"""Whatever goes wrong, the counts are exact; and a failure is described so that a person sees its cause."""

import json
from collections.abc import Callable
from functools import cache
from typing import NoReturn

import pytest
from click.testing import CliRunner

from chaos.simulation import __main__ as command
from chaos.simulation.runs import Simulated, explain, simulate
from chaos.simulation.schedule import schedule_of
from chaos.simulation.shrink import shrink
from chaos.simulation.steps import Take
from chaos.simulation.worker import Code
from chaos.simulation.world import play
from tests.chaos.mutants import COUNTING, WRITING, without
from tests.thorough import sized

UNFENCED = Code(counting=without(COUNTING, ("if pos > row.pos:", "if True:")).Counting)
BLOCK = sized(100, 250)


@cache
def simulated(first: int) -> Simulated:
    """What came of a block of schedules; two tests read that of the first one."""
    return simulate(first, BLOCK)


@cache
def unfenced_seed() -> int:
    """The first seed whose schedule shows that windows need their fence."""
    return simulate(0, 1000, code=UNFENCED).failures[0].seed


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, sized(BLOCK, 2000), BLOCK))
def test_the_counts_are_exact_whatever_happens(first: int) -> None:
    found = simulated(first)
    assert not found.failures, explain(found.failures[0].seed)
    assert found.runs == BLOCK


@pytest.mark.slow
def test_every_fault_happens_and_more_than_once_a_schedule_on_the_average() -> None:
    found = simulated(0)
    assert found.events > BLOCK * 20
    assert found.faults.keys() == {
        "batches",
        "batches of a zombie",
        "backups restored",
        "crashes",
        "failed inserts",
        "flushes that were due",
        "failed writes of local state",
        "offset gaps",
        "inserts after a crash",
        "inserts delivered again",
        "local states replaced",
        "partitions moved",
        "records left out",
        "redeliveries",
        "steps of restoring",
    }
    assert min(found.faults.values()) > 20


@pytest.mark.slow
def test_every_kind_of_line_is_in_the_logs() -> None:
    logs = [schedule_of(seed).log for seed in range(0, 2000, 8)]
    reasons = {reason for log in logs for reason in log.reasons.values()}
    assert reasons == {"empty", "malformed", "unknown_kind", "invalid", "future", "misplaced", "full"}
    events = [line.event for log in logs for of in log.entries for entry in of for line in entry.lines if line.event]
    assert len({(event.dossier, event.id) for event in events}) < len({id(event) for event in events}) < len(events)
    assert {log.partitions for log in logs} == {2, 3}
    assert {log.terms for log in logs} == {"instant", "date"}
    assert all(log.expected.windows for log in logs[:50])


def test_a_seed_gives_the_same_schedule_whatever_was_made_before() -> None:
    first = schedule_of(12_345)
    schedule_of(7)
    assert schedule_of(12_345) == first
    assert schedule_of(12_346).steps != first.steps


def test_a_schedule_goes_the_same_way_each_time() -> None:
    text: list[list[str]] = [[], []]
    for lines in text:
        play(schedule_of(3), trace=lines.append)
    assert text[0] == text[1]
    assert len(text[0]) > 20


@pytest.mark.slow
def test_a_schedule_that_fails_is_made_as_small_as_can_be() -> None:
    seed = unfenced_seed()

    def fails(schedule: object) -> bool:
        return bool(play(schedule, UNFENCED).wrong)  # type: ignore[arg-type]  # shrink gives schedules

    smallest = shrink(schedule_of(seed), fails)
    assert fails(smallest)
    assert len(smallest.steps) <= 4
    assert sum(len(entries) for entries in smallest.log.entries) <= 2
    assert any(isinstance(step, Take) for step in smallest.steps)


@pytest.mark.slow
def test_a_failure_is_described_with_its_records_its_steps_and_what_is_wrong() -> None:
    seed = unfenced_seed()
    text = explain(seed, UNFENCED)
    assert '{"kind":"received"' in text
    assert "writes windows\n" in text
    assert "received is 2, should be 1" in text
    assert (
        text.index("The records") < text.index("The workers") < text.index("What happens") < text.index("What is wrong")
    )


def test_a_batch_that_raises_is_a_failure_that_names_the_error() -> None:
    code = Code(pipeline=without(WRITING, ("= in_sequence(records)", "= [list(records)]")).Pipeline)
    (failure,) = simulate(0, 1000, code=code).failures
    assert failure.wrong[0].startswith("LostEvents: simulated-events partition")


@pytest.mark.slow
def test_as_many_failures_as_wanted_are_found() -> None:
    found = simulate(0, 1000, code=UNFENCED, most=3)
    assert len(found.failures) == 3
    assert found.runs == found.failures[-1].seed + 1


class TestCommand:
    @pytest.mark.slow
    def test_it_says_what_was_simulated(self) -> None:
        result = CliRunner().invoke(command.main, ["--schedules", "20", "--first", "40"])
        assert result.exit_code == 0
        assert result.output.startswith("20 schedules with ")
        assert result.output.endswith("Every schedule ended with exact counts.\n")

    @pytest.mark.slow
    def test_it_says_it_to_a_machine(self) -> None:
        result = CliRunner().invoke(command.main, ["--schedules", "20", "--json"])
        found = json.loads(result.stdout)
        assert (found["runs"], found["failures"]) == (20, [])
        assert found["faults"]["crashes"] > 0

    @pytest.mark.slow
    def test_a_failure_is_printed_with_the_command_that_replays_it(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(command, "simulate", lambda *_: simulate(0, 1000, code=UNFENCED))
        monkeypatch.setattr(command, "explain", lambda seed: explain(seed, UNFENCED))
        result = CliRunner().invoke(command.main, [])
        assert result.exit_code == 1
        assert "fails. What of it is needed for that:" in result.output
        assert "python -m chaos.simulation --replay " in result.output

    def test_a_seed_is_replayed(self) -> None:
        result = CliRunner().invoke(command.main, ["--replay", "3"])
        assert result.exit_code == 0
        assert result.output.endswith("What is wrong:\n  nothing\n")

    def test_it_can_be_stopped(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def stopped(_: int, __: int, played: Callable[[int], None]) -> NoReturn:
            played(12)
            raise KeyboardInterrupt

        monkeypatch.setattr(command, "simulate", stopped)
        result = CliRunner().invoke(command.main, [])
        assert result.exit_code == 130
        assert result.stderr == "stopped after 12 of 30,000 schedules; none of them failed\n"
