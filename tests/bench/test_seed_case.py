"""The seed case: its figures are exact, its lines are events, and its truth is what an oracle makes of them."""

from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import islice, pairwise

import numpy as np
import pytest

from bench.seed_case.case_lives import AGENCIES, BEGIN, DOSSIERS, END, ONLINE, RESOLVED, Quotas, lives
from bench.seed_case.cells import Amounts, differences, summed
from bench.seed_case.expected_counts import FACTS, Truth, truth
from bench.seed_case.history import history
from bench.seed_case.stored_counts import compare, totals
from chaos.oracle.expected_rows import Expected, expected
from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.envelope import decode_event, encode_event
from streams.storage.clickhouse_client import database
from tests.streams.counted import count

SOME = 3000


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return list(history(1, SOME))


@pytest.fixture(scope="module")
def right() -> Truth:
    return truth(1, SOME)


@pytest.fixture(scope="module")
def judged(lines: list[bytes]) -> Expected:
    """What the oracle expects of these lines."""
    return expected(map(decode_event, lines), partitions=1, terms="instant", time_zone="Asia/Ho_Chi_Minh")


def named(cells: Amounts, measures: list[str]) -> dict[tuple[str, int, str], int]:
    """Amounts by agency, start of the window, and measure."""
    return {
        (AGENCIES[cell >> 6 & 1023], (cell >> 16) * 300, measures[cell & 63]): amount
        for cell, amount in zip(cells.cells.tolist(), cells.amounts.tolist(), strict=True)
    }


def test_every_line_is_the_very_encoding_of_a_valid_event(lines: list[bytes]) -> None:
    for line in lines:
        assert encode_event(decode_event(line)) == line


def test_every_kind_of_event_and_of_second_thought_is_there(lines: list[bytes]) -> None:
    kinds = Counter(type(decode_event(line)).__name__ for line in lines)
    assert set(kinds) == {
        *("Received", "TermSet", "Resolved", "Returned", "Withdrawn", "Refused", "Stopped", "Reopened", "Extended"),
        *("Transferred", "SupplementRequested", "SupplementAnswered", "Paid", "Refunded", "Digitised", "Rated"),
        *("Amended", "Voided"),
    }
    assert 3.8 < len(lines) / SOME < 4.2
    assert 0.01 < 1 - len(set(lines)) / len(lines) < 0.03
    assert sum(b'"recorded_at"' in line for line in lines) > 3


def test_lines_come_in_order_of_arrival_never_before_they_happened_and_some_of_them_late(lines: list[bytes]) -> None:
    """The order of arrival shows in receptions, of which nearly all arrive within seconds."""
    receptions = [event.occurred_at for event in map(decode_event, lines) if type(event).__name__ == "Received"]
    behind = sum(later < earlier for earlier, later in pairwise(receptions))
    assert 0 < behind < 0.2 * len(receptions)
    assert min(receptions) >= BEGIN
    assert max(receptions) < END


@pytest.mark.slow
def test_the_same_seed_gives_the_same_lines_and_another_one_others(lines: list[bytes]) -> None:
    assert list(islice(history(1, SOME), 500)) == lines[:500]
    assert list(islice(history(2, SOME), 500)) != lines[:500]


@pytest.mark.slow
@pytest.mark.parametrize("dossiers", [1, 999, 5000, 34_584])
def test_its_figures_are_exact_for_any_number_of_dossiers(dossiers: int) -> None:
    counts: Counter[str] = Counter()
    for some in lives(7, dossiers):
        real, resolved = ~some.void, some.outcome == RESOLVED
        assert not (resolved & some.void).any()
        counts["dossiers"] += int(real.sum())
        counts["online"] += int((real & (some.channel == ONLINE)).sum())
        counts["resolved"] += int(resolved.sum())
        counts["late"] += int((resolved & (some.ended_at > some.term)).sum())
        counts["told late"] += int(some.late.sum())
    assert counts["dossiers"] == dossiers
    assert counts["online"] == dossiers * 691_694 // 3_458_474
    assert counts["late"] == counts["told late"] == counts["resolved"] * 9 // 100


def test_the_whole_case_has_exactly_so_many_online() -> None:
    assert Quotas(DOSSIERS).online == 691_694


@pytest.mark.slow
def test_the_truth_is_what_the_oracle_expects_of_every_window(judged: Expected, right: Truth) -> None:
    windows: defaultdict[tuple[str, int, str], int] = defaultdict(int)
    for (agency, start, _), counts in judged.windows.items():
        for counter, amount in counts.items():
            windows[agency, start, counter] += amount
    found: dict[tuple[str, int, str], int] = {}
    for _, cells in right.windows.months():
        found |= named(cells, list(COUNTERS))
    assert found == {cell: amount for cell, amount in windows.items() if amount}


@pytest.mark.slow
def test_the_truth_is_what_the_oracle_expects_of_facts_and_events(judged: Expected, right: Truth) -> None:
    counts: Counter[str] = Counter()
    for (_, _, measure), amount in named(right.facts, list(FACTS)).items():
        counts[measure] += amount
    cases = [case for case in judged.facts.values() if not case.voided]
    assert counts["cases"] == len(judged.facts)
    assert counts["dossiers"] == len(cases) == SOME
    assert counts["on_time"] == sum(case.outcome == "resolved" and case.on_time is True for case in cases)
    assert counts["outcome_seconds"] == sum((case.outcome_at or 0) // 1_000_000 for case in cases)
    assert right.events == len(judged.events)


def test_cells_that_one_side_lacks_or_has_otherwise_differ() -> None:
    def amounts(cells: dict[int, int]) -> Amounts:
        return Amounts(np.array(list(cells)), np.array(list(cells.values())))

    assert differences(amounts({1: 5, 2: 7}), amounts({2: 7, 1: 5})) == 0
    assert differences(amounts({1: 5, 2: 7}), amounts({2: 6, 3: 1})) == 3
    assert summed([amounts({3: 1, 1: 2}), amounts({3: 4})]).amounts.tolist() == [2, 5]
    assert summed([]).cells.tolist() == []


@pytest.mark.clickhouse
def test_what_is_counted_has_no_difference_and_what_is_changed_afterwards_has(
    clickhouse: ClickHouseConnection,
) -> None:
    count(clickhouse, *map(decode_event, history(3, 200)))
    right = truth(3, 200)
    assert compare(clickhouse, right).total == 0
    assert totals(clickhouse).dossiers == 200
    assert totals(clickhouse).online == 39
    with database(clickhouse) as client:
        late = datetime(2030, 1, 1, tzinfo=UTC)
        client.execute(
            "INSERT INTO windows (agency, window, partition, pos, resolved) VALUES", [("H26.01", late, 1, 1, 1)]
        )
        client.execute(
            "INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, received + 1 AS received) "
            "FROM windows FINAL ORDER BY window, agency, partition LIMIT 1"
        )
        client.execute("INSERT INTO facts (dossier, pos, case_kind, agency) VALUES", [("D", 1, "dossier", "nobody")])
        client.execute("ALTER TABLE events DELETE WHERE kind = 'resolved'", settings={"mutations_sync": 1})
    found = compare(clickhouse, right)
    assert (found.windows, found.facts > 0, found.events) == (2, True, 1)
    assert found.total == found.windows + found.facts + found.events
