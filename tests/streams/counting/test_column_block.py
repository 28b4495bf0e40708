import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.deployment_profile import Profile
from schemas.tables import EVENTS, FACTS
from streams.counting.column_block import Block
from streams.counting.registers import pack
from streams.counting.rows import facts_row
from streams.counting.store_interface import Row, Stored
from tests.strategies import events_of
from tests.streams.cases import facts, joined

HISTORIES = st.lists(events_of("D1"), max_size=8)
DEFAULTS = {"String": "", "Bool": False, "UInt": 0, "Array": [], "Nullable": None, "LowCardinality": ""}


def row_of(number: int, history: list[object]) -> Row:
    row = facts(*history)  # type: ignore[arg-type]  # events
    return facts_row(f"D{number}", 0, Stored(1, pack(joined(*history))), row, Profile())  # type: ignore[arg-type]


def whole(columns: tuple[str, ...], whole_row: Row) -> Row:
    """The row with every column, as the database completes it."""
    row = dict(zip(columns, whole_row, strict=True))
    default = {
        name: next(d for of, d in DEFAULTS.items() if spec.startswith(of))
        for name, spec in FACTS.columns.items()
        if name in FACTS.rare
    }
    return tuple(_comparable(row.get(name, default.get(name))) for name in FACTS.columns)


def _comparable(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.slow
@given(histories=st.lists(HISTORIES, min_size=1, max_size=12))
def test_the_parts_of_a_block_are_its_rows(histories: list[list[object]]) -> None:
    rows = [row_of(number, history) for number, history in enumerate(histories)]
    block = Block.of(FACTS)
    block.extend(rows)
    found = [whole(columns, whole_row) for columns, part in block.parted(FACTS) for whole_row in part]
    assert sorted(found, key=str) == sorted((tuple(map(_comparable, whole_row)) for whole_row in rows), key=str)
    assert all(len(part) for _, part in block.parted(FACTS))


def test_a_table_without_rare_columns_has_one_part() -> None:
    block = Block([["value"]] * len(EVENTS.columns))
    assert block.parted(EVENTS) == [(tuple(EVENTS.columns), block)]


def test_a_block_reads_as_its_rows() -> None:
    block = Block([[1, 2, 3], ["a", "b", "c"]])
    assert list(block) == [(1, "a"), (2, "b"), (3, "c")]
    assert block[1] == (2, "b")
    assert block[1:] == [(2, "b"), (3, "c")]
    with pytest.raises(IndexError):
        block[3]
