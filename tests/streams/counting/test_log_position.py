from hypothesis import given
from hypothesis import strategies as st

from schemas.envelope import MAX_LINES
from streams.counting.log_position import MAX_EPOCH, pack, unpack

PLACES = st.tuples(st.integers(1, MAX_EPOCH), st.integers(0, 2**40 - 1), st.integers(0, MAX_LINES - 1))


@given(one=PLACES, other=PLACES)
def test_positions_are_in_the_order_of_epoch_offset_and_line(
    one: tuple[int, int, int], other: tuple[int, int, int]
) -> None:
    assert (pack(*one) < pack(*other)) == (one < other)
    assert (pack(*one) == pack(*other)) == (one == other)


@given(place=PLACES)
def test_a_position_can_be_taken_apart(place: tuple[int, int, int]) -> None:
    assert unpack(pack(*place)) == place


def test_every_position_lies_after_nothing_and_fits_64_bits() -> None:
    assert pack(1, 0, 0) > 0
    assert pack(MAX_EPOCH, 2**40 - 1, MAX_LINES - 1) == 2**64 - 1


def test_the_last_line_of_a_record_is_just_before_the_next_record() -> None:
    assert pack(3, 7, MAX_LINES - 1) + 1 == pack(3, 8, 0)
