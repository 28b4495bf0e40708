"""What columns and rules say of a case over time is the same, and whatever is otherwise in a column is told."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Event, Received, Resolved, SupplementAnswered, SupplementRequested, TermSet
from streams.audit.verdict_stretches import Columns, by_columns, wrong_stretches
from streams.counting.facts import facts_of
from streams.counting.registers import Registers, merged
from streams.on_time.ruling import Ruling, built_in_ruling
from tests.chaos.test_oracle_on_time import ZONE
from tests.streams.cases import at, micros, said
from tests.streams.on_time.lives import lives
from tests.streams.rulings import VARIED
from tests.thorough import sized

RULINGS = (built_in_ruling(), VARIED)


def columns_of(registers: Registers, ruling: Ruling) -> Columns:
    facts = facts_of(registers, ruling)
    return Columns(*(getattr(facts, name) for name in Columns._fields))


@given(life=lives(), ruling=st.sampled_from(RULINGS))
@settings(max_examples=sized(150, 20_000))
def test_columns_say_what_the_rules_do(life: list[Event], ruling: Ruling) -> None:
    registers = merged(life)
    assert wrong_stretches(columns_of(registers, ruling), registers, ruling, ZONE) is None


@given(life=lives(), ruling=st.sampled_from(RULINGS), data=st.data())
@settings(max_examples=sized(100, 10_000))
def test_whatever_is_changed_in_the_steps_is_told(life: list[Event], ruling: Ruling, data: st.DataObject) -> None:
    registers = merged(life)
    row = columns_of(registers, ruling)
    if not row.verdict_rule:
        return
    place = data.draw(st.sampled_from(range(len(row.verdict_rule))))
    column, by = data.draw(st.sampled_from((("verdict_standing", 1), ("verdict_since", 1))))
    changed = list(getattr(row, column))
    changed[place] = changed[place] % 5 + 1 if column == "verdict_standing" else changed[place] + by
    spoilt = Columns(**row._asdict() | {column: changed})
    if by_columns(spoilt, ZONE) != by_columns(row, ZONE):
        assert wrong_stretches(spoilt, registers, ruling, ZONE)


STOPPED = (
    said(Received, "2026-03-02 08:00", agency="H01"),
    said(TermSet, "2026-03-02 08:00", term=at("2026-03-05 08:00")),
    said(SupplementRequested, "2026-03-03 08:00", number=1),
    said(SupplementAnswered, "2026-03-04 08:00", number=1),
    said(Resolved, "2026-03-05 16:00"),
)


@pytest.mark.parametrize(
    ("spoilt", "is_", "should"),
    [
        (
            dict.fromkeys(("verdict_rule", "verdict_since", "verdict_standing", "verdict_until"), ()),
            "by instant: in term from 2026-03-02T01:00:00+00:00, overdue from 2026-03-05T01:00:00.000001+00:00, "
            "late from 2026-03-05T09:00:00+00:00",
            "by instant: in term from 2026-03-02T01:00:00+00:00, on time from 2026-03-05T09:00:00+00:00",
        ),
        (
            {"verdict_rule": (4,), "verdict_since": (1,), "verdict_standing": (3,), "verdict_until": (2,)},
            "by instant: nothing",
            "by instant: in term from 2026-03-02T01:00:00+00:00, on time from 2026-03-05T09:00:00+00:00",
        ),
    ],
    ids=["plain although something moved its term", "steps of one rule alone"],
)
def test_it_tells_both_lives(spoilt: dict[str, Any], is_: str, should: str) -> None:
    registers = merged(STOPPED)
    row = columns_of(registers, built_in_ruling())
    assert wrong_stretches(row._replace(**spoilt), registers, built_in_ruling(), ZONE) == (is_, should)


def test_a_plain_case_is_read_by_its_term_and_its_end() -> None:
    plain = columns_of(merged((*STOPPED[:2], STOPPED[4])), built_in_ruling())
    assert not plain.verdict_rule
    begun, ended, late = (micros(each) for each in ("2026-03-02 08:00", "2026-03-05 16:00", "2026-03-05 08:00"))
    by_instant, *by_days = by_columns(plain, ZONE)
    assert by_instant == [(begun, "in term"), (late + 1, "overdue"), (ended, "late")]
    assert by_days == [[(begun, "in term"), (ended, "on time")]] * 3
