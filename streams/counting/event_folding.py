"""Events are folded into their dossiers' registers, until the batch takes enough."""

from streams.counting.batch import Batch
from streams.counting.batch_limit import BYTES, DELTA, EVENT, WINDOW_READ
from streams.counting.case import Case
from streams.counting.event_deltas import apply_updates
from streams.counting.facts import values_of
from streams.counting.identity import Identity
from streams.counting.partition_run import PartitionRun
from streams.counting.registers import Register, updates
from streams.counting.registers import pack as pack_registers
from streams.counting.registers import unpack as unpack_registers
from streams.counting.rejections import dead_letters, reject_full
from streams.counting.rows import case_row
from streams.counting.store_interface import Stored


def fold_events(
    run: PartitionRun, batch: Batch, identity: Identity, effort: int, max_effort: int, max_numbered: int
) -> int:
    """Fold events into their dossiers' registers, and note what each changes in the windows.

    Ends at the first event whose dossier's facts are not cached, and where the batch takes `max_effort`, of which
    other runs take `effort`. Returns what the batch takes then.
    """
    state, profile, ruling = run.state, identity.profile, identity.ruling
    facts, numbers = state.facts, state.numbers
    cases: dict[str, Case] = {}
    refused: dict[int, Register] = {}
    deltas, windows, must_be_read = run.deltas, run.windows, state.windows.must_be_read
    run.end = run.begin
    for pos, dossier, register in run.events[run.begin : run.begin + max_effort]:
        if effort >= max_effort:
            break
        case = cases.get(dossier)
        if case is None:
            stored = facts.get(dossier)
            if stored is None:
                break
            registers = unpack_registers(stored.registers) if stored.pos else {}
            case = cases[dossier] = Case(registers, stored.pos, stored.number)
            effort += len(stored.registers) // BYTES
        run.end += 1
        effort += EVENT
        if case.number > numbers.last and updates({}, register):
            numbers.observe(case.number)
        if len(case.registers) >= max_numbered and case.refuses(register, max_numbered):
            refused[run.end - 1] = register
            continue
        if pos <= case.pos:
            continue
        changed = updates(case.registers, register)
        if not changed:
            continue
        if not case.pos:
            case.number = numbers.next()
        case.pos, case.changed = pos, True
        delta = apply_updates(case, changed, register[3], identity)
        if case.effort:
            effort += case.effort
            case.effort = 0
        if delta:
            deltas.append((pos, delta))
            effort += DELTA * len(delta)
            for window in delta:
                if window not in windows:
                    windows.add(window)
                    effort += WINDOW_READ * must_be_read(window)
    _add_events(run, refused, batch, identity.topic, max_numbered)
    rows = []
    for dossier, case in cases.items():
        if case.changed:
            stored = Stored(case.pos, pack_registers(case.registers), case.number)
            facts.put(dossier, stored)
            values = values_of(case.registers, ruling, case.judged)
            rows.append(case_row(dossier, state.partition, stored, values, profile))
        else:
            facts.touch(dossier)
    batch.facts.extend(rows)
    return effort


def _add_events(run: PartitionRun, refused: dict[int, Register], batch: Batch, topic: str, max_numbered: int) -> None:
    """Add the events that were folded to the batch, and those that were refused to its dead letters."""
    for decoded in run.decoded:
        low, high = max(run.begin - decoded.first, 0), min(run.end - decoded.first, len(decoded.lines))
        if low >= high:
            continue
        kept = [at for at in range(low, high) if decoded.first + at not in refused] if refused else range(low, high)
        if len(kept) == len(decoded.lines):
            batch.events.extend_columns(decoded.columns)
            continue
        batch.events.extend_columns([[column[at] for at in kept] for column in decoded.columns])
        if len(kept) < high - low:
            content = (decoded.record.value or b"").split(b"\n")
            over = [(decoded.lines[at], refused.get(decoded.first + at)) for at in range(low, high)]
            rejections = [
                reject_full(line, register, content[line], max_numbered) for line, register in over if register
            ]
            batch.dead.extend(dead_letters(topic, decoded.record, rejections))
