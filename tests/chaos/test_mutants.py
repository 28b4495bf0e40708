"""The simulation has teeth: each rule of “Exactly once”, left out, is found out.

Three rules are implied by others. Leaving them out changes no count, which is shown here too, and why it cannot.
"""

from collections.abc import Collection, Sequence, Set
from itertools import product

import pytest

from chaos.simulation.schedule import schedule_of
from chaos.simulation.worker import Code
from chaos.simulation.world import play
from schemas.tables import Table
from streams.counting.store_interface import Checkpoint, Row, Store, Stored, WindowRow
from tests.chaos.mutants import COUNTING, LOCAL, WRITING, without
from tests.thorough import sized

SEEDS = range(1000)
SEEDS_OF_IMPLIED_RULES = range(sized(10, 300))
START = 1_772_413_200  # 2026-03-02 08:00 in Việt Nam: all that is simulated happens within 15 minutes of it


def counting(*changes: tuple[str, str]) -> Code:
    return Code(counting=without(COUNTING, *changes).Counting)


def flushing(*changes: tuple[str, str]) -> Code:
    return Code(pipeline=without(WRITING, *changes).Pipeline)


def local(*changes: tuple[str, str]) -> Code:
    return Code(local=without(LOCAL, *changes).LocalState)


def found_out(code: Code, seeds: Sequence[int] = SEEDS, *, first: int = 0) -> bool:
    """Whether any seed shows that something is wrong; `first` is one that did when the test was written."""
    return any(play(schedule_of(seed), code).wrong for seed in (first, *seeds))


class WindowsFirst(Store):
    """Windows as they were before the facts were read."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._before: dict[WindowRow, tuple[int, Sequence[int]]] = {}

    def read_facts(self, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]]:
        every = set(product(("H01", "H02"), range(START, START + 1200, 300), range(3)))
        self._before = self._store.read_windows(every)
        return self._store.read_facts(dossiers, max_bytes)

    def read_windows(self, windows: Collection[WindowRow]) -> dict[WindowRow, tuple[int, Sequence[int]]]:
        return {window: self._before[window] for window in windows if window in self._before}

    def read_newest(self, partition: int) -> int:
        return self._store.read_newest(partition)

    def read_facts_past(self, partition: int, pos: int, after: str, rows: int) -> tuple[dict[str, Stored], str | None]:
        return self._store.read_facts_past(partition, pos, after, rows)

    def read_case_numbers(self, partition: int, pos: int) -> tuple[int, Set[int]]:
        return self._store.read_case_numbers(partition, pos)

    def read_checkpoints(self, topic: str) -> dict[int, Checkpoint]:
        return self._store.read_checkpoints(topic)

    def write(self, table: Table, rows: Sequence[Row]) -> None:
        self._store.write(table, rows)


TRIM = "self._counting.trim([*flying, waiting.batch])"
SETTLED = "                settle()\n"
RESET = "                run.state.windows.reset(self._store.read_newest(run.state.partition))\n"
ABSENT = "                break\n"
IMPORTED = "from streams.counting.partition_run import PartitionRun\nfrom streams.counting.registers import Register"
NOTHING_STORED = "from streams.counting.caches import NO_FACTS\n"


def test_facts_written_before_windows() -> None:
    windows = "        flush_windows(batch, store)\n"
    facts = "        store.write(FACTS, batch.facts.newest(_KEY_OF_FACTS))\n"
    assert found_out(flushing((windows + facts, facts + windows)))


def test_windows_without_their_position_as_a_fence() -> None:
    assert found_out(counting(("if pos > row.pos:", "if True:")))


def test_windows_read_before_facts() -> None:
    assert found_out(Code(reads=WindowsFirst))


def test_windows_not_read_again_although_facts_are_ahead() -> None:
    assert found_out(counting((RESET, "")), first=670)


def test_windows_not_written_where_changes_cancel_out() -> None:
    touched = "changed: dict[Window, CachedWindow] = {}"
    rows = "for window, row in changed.items()]"
    before = "before = {window: row.counts for window, row in windows.items()}"
    changed = "for window, row in changed.items() if row.counts != before[window]]"
    assert found_out(counting((touched, f"{touched}; {before}"), (rows, changed)), first=886)


def test_windows_not_written_where_nothing_is_counted() -> None:
    rows = "for window, row in changed.items()]"
    assert found_out(counting((rows, "for window, row in changed.items() if row.counts]")))


def test_offsets_acknowledged_before_the_flush_is_done() -> None:
    assert found_out(Code(acknowledges_at_once=True))


@pytest.mark.slow
def test_caches_kept_where_offsets_jump() -> None:
    assert found_out(counting(("if state is None or state.next_offset != first:", "if state is None:")))


def test_windows_taken_for_new_once_they_are_evicted() -> None:
    assert found_out(counting(("self.newest = max(self.newest, window[1])", "pass")))


def test_windows_taken_for_new_although_they_may_be_stored() -> None:
    assert found_out(counting(("elif window[1] > cache.newest:", "elif True:")))


def test_dossiers_taken_for_new_although_they_may_be_stored() -> None:
    answer = "        answer = local.read(run.state.partition, missing, left) if local else None\n"
    assert found_out(counting((answer, answer.replace(" if local else None", " or (len(missing), {})"))))


FLUSHED = "        flush(batch, self._store, self._dead_letters, self._events_executor)\n"
ENTERED = """        if self._enter:
            # Before the batch counts as flushed: what is evicted from the caches from then on is read again.
            self._enter(batch.facts, batch.progress)
"""


def test_local_state_entered_before_the_batch_is_confirmed() -> None:
    assert found_out(flushing((FLUSHED + ENTERED, ENTERED + FLUSHED)), first=86)


def test_local_state_not_entered() -> None:
    assert found_out(flushing((ENTERED, "")))


def test_local_state_newer_than_progress() -> None:
    assert found_out(local(("max(self.complete, self.newest) > progress", "False")))


def test_local_state_whose_entries_are_newer_than_progress_although_its_head_is_not() -> None:
    newest = "max(self.complete, self.newest) > progress"
    assert found_out(local((newest, "self.complete > progress")), first=215)


def test_local_state_that_does_not_fit_and_is_not_dropped() -> None:
    assert found_out(local(("                states.reset(head)\n", "")))


def test_local_state_not_caught_up() -> None:
    assert found_out(local(('after: str | None = ""', 'after: str | None = "\U0010ffff"')))


def test_local_state_caught_up_from_progress_and_not_from_where_it_was_complete() -> None:
    assert found_out(local(("(partition, head.complete, after,", "(partition, progress, after,")))


def test_local_state_not_caught_up_where_offsets_jump_or_the_partition_comes_back() -> None:
    fresh = "            self._sessions[partition] = _Session()\n"
    assert found_out(local((fresh, "            self._sessions.setdefault(partition, _Session())\n")), first=196)


def test_dossiers_taken_for_new_while_local_state_is_restored() -> None:
    assert found_out(local(('session.stage != "complete":', 'session.stage == "waiting":')))


def test_local_state_complete_although_not_all_facts_are_read() -> None:
    assert found_out(local(("        scanned = head.scanned\n", "        scanned = None\n")))


def test_local_state_in_which_older_facts_replace_newer_ones() -> None:
    assert found_out(local(("if positions and min(positions) <= head.newest:", "if False:")), first=306)


def test_local_state_without_facts_of_other_owners_that_counting_read_while_it_was_restored() -> None:
    assert found_out(local(("        self._enter(partition, facts)\n", "        pass\n")), first=18_280)


def test_local_state_whose_head_moves_while_it_is_restored() -> None:
    moved = 'complete=progress if session.stage == "complete" else 0'
    assert found_out(local((moved, "complete=progress")), first=150)


def test_local_state_used_after_a_write_has_failed() -> None:
    assert found_out(local(("        self._give_up(opened[0], failure)\n", "        pass\n")), first=20)


def test_windows_not_read_again_although_facts_of_local_state_are_ahead() -> None:
    ahead = "        if _cache(run, missing[:looked_up], found):\n"
    assert found_out(counting((ahead, ahead.replace(":\n", " and False:\n"))), first=1315)


def test_local_state_restored_before_the_numbers_of_stored_cases_are_read() -> None:
    state = "            state = self._partitions[partition] = load_partition"
    attach = "                self._local.attach(partition)\n"
    assert found_out(counting((attach, "                pass\n"), (state, attach[4:] + state)), first=36_658)


def test_numbers_given_again_where_cases_are_stored_ahead() -> None:
    assert found_out(counting(("            numbers.observe(case.number)\n", "            pass\n")), first=43)


def test_numbers_that_go_on_after_what_is_stored_and_not_after_progress() -> None:
    held = "last, held = store.read_case_numbers(partition, checkpoint.pos if checkpoint else 0)"
    assert found_out(counting((held, held.replace("checkpoint.pos if checkpoint else 0", "1 << 63"))), first=32)


@pytest.mark.slow
def test_missing_offsets_ignored() -> None:
    assert found_out(counting(("if is_lost(expected, first):", "if False:")))


def test_progress_asked_before_the_flush_in_flight_is_done() -> None:
    assert found_out(counting(("            settle()\n            state = ", "            state = ")))


def test_rows_evicted_before_they_are_written() -> None:
    assert found_out(flushing((TRIM, "self._counting.trim([])")))


def test_rows_evicted_while_they_wait_for_their_flush() -> None:
    assert found_out(flushing((TRIM, "self._counting.trim([*flying, batch])")))


def test_rows_evicted_while_their_flush_is_in_flight() -> None:
    assert found_out(flushing((TRIM, "self._counting.trim([waiting.batch])")))


def test_facts_written_often_and_windows_seldom() -> None:
    early, imported = "flush_windows, batch, self._store", "from streams.errors import LostEvents"
    facts = "self._store.write, FACTS, waiting.batch.facts", f"from schemas.tables import FACTS\n{imported}"
    assert found_out(flushing((early, facts[0]), (imported, facts[1])))


def test_offsets_acknowledged_once_windows_are_written() -> None:
    everything = "everything = flight.everything"
    assert found_out(flushing((everything, f"{everything} or self._waiting")), first=74)


def test_windows_written_early_and_left_out_while_facts_go_on() -> None:
    early = "done = self._flusher.submit(flush_windows, batch, self._store)"
    assert found_out(flushing((early, early.replace("batch", "Batch()"))))


@pytest.mark.parametrize("table", ["windows", "facts"])
def test_the_oldest_of_merged_rows_written(table: str) -> None:
    newest = f"batch.{table}.newest"
    assert found_out(flushing((newest, f"batch.{table}[::-1].newest")))


def test_a_batch_not_cut_where_records_come_again() -> None:
    assert found_out(flushing(("= in_sequence(records)", "= [list(records)]")))


def test_going_on_after_a_failed_insert() -> None:
    assert found_out(Code(goes_on_after_a_failed_insert=True))


REFUSED = """        if len(case.registers) >= max_numbered and case.refuses(register, max_numbered):
            refused[run.end - 1] = register
            continue
"""
FENCE = """        if pos <= case.pos:
            continue
"""


@pytest.mark.slow
def test_the_limit_of_numbered_registers_checked_only_past_the_facts() -> None:
    assert found_out(counting((REFUSED + FENCE, FENCE + REFUSED)))


def test_progress_written_before_the_last_of_the_batches_that_records_are_cut_into() -> None:
    assert found_out(counting(("                if run.is_done:\n", "                if True:\n")), first=96)


def test_dossiers_beyond_what_may_be_read_at_once_taken_for_new() -> None:
    assert found_out(counting(("for dossier in dossiers[:looked_up]:", "for dossier in dossiers:")))


def test_evicted_dossiers_taken_for_new_where_a_batch_goes_on() -> None:
    assert found_out(counting((ABSENT, "                stored = NO_FACTS\n"), (IMPORTED, NOTHING_STORED + IMPORTED)))


PROGRESS = "    store.write(PROGRESS, list({row[:_KEY_OF_PROGRESS]: row for row in batch.progress}.values()))\n"
LETTERS = "        dead_letters.send(batch.dead)\n"
EVENTS = "    events = beside.submit(store.write, EVENTS, batch.events)\n"


@pytest.mark.parametrize(
    "changes",
    [
        [(PROGRESS, ""), (EVENTS, PROGRESS + EVENTS)],
        [("        events.result()\n", "        pass\n")],
        [(LETTERS, ""), (PROGRESS, PROGRESS + "    dead_letters.send(batch.dead)\n")],
    ],
    ids=["first", "beside-events", "before-dead-letters"],
)
def test_progress_written_before_what_it_implies(changes: list[tuple[str, str]]) -> None:
    assert found_out(flushing(*changes))


@pytest.mark.slow
def test_folding_events_that_the_facts_hold_already_is_only_slow() -> None:
    """An event at or before the position of facts is in their registers, and folding it once more changes nothing.

    The fence `pos <= facts.pos` is therefore implied by the fold being idempotent: it saves work.
    """
    assert not found_out(counting(("if pos <= case.pos:", "if False:")), SEEDS_OF_IMPLIED_RULES)


@pytest.mark.slow
def test_caches_kept_of_a_partition_that_comes_back_are_right_where_offsets_follow() -> None:
    """Whoever counted meanwhile: rows cached at an offset are the state after the log up to there.

    The partition either comes back at that offset, and then they are what is needed, as with a zombie that was never
    notified; or it comes back at another, and then they are dropped for that. Forgetting them saves memory.
    """
    assert not found_out(flushing(("self._revoked.update(partitions)", "pass")), SEEDS_OF_IMPLIED_RULES)


@pytest.mark.slow
def test_restoring_that_goes_on_for_a_partition_that_was_revoked_is_only_useless() -> None:
    """What it reads is stored, and the head that it moves says no more than what had entered by then.

    Ending it leaves the thread to the partitions that the worker has.
    """
    assert not found_out(
        local(("return self._sessions.get(partition) is session", "return True")), SEEDS_OF_IMPLIED_RULES
    )


@pytest.mark.slow
def test_windows_read_again_need_not_wait_for_the_flush_in_flight() -> None:
    """Facts ahead of a batch come from a worker that counted what is in flight here, or began once it was stored.

    Either way the windows hold it: they are written before facts, batch after batch, and a worker begins at progress.
    """
    assert not found_out(counting((SETTLED + RESET, RESET)), SEEDS_OF_IMPLIED_RULES)
