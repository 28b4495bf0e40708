"""What it means where the broker, the group and the counts do not agree, case by case."""

import pytest

from streams.errors import Diverged, LostEvents, StreamsError
from streams.rebuild.rewind import Gap, Move, plan_rewind
from streams.storage.offset_agreement import Counted, PartitionOffsets, disagreement

LAST = Counted(offset=9, published=1000)
"""Ten records are counted."""


@pytest.mark.parametrize(
    ("at", "error", "said"),
    [
        pytest.param(PartitionOffsets(0, 0, 0), None, "", id="nothing was ever published"),
        pytest.param(PartitionOffsets(0, 0, 5), None, "", id="nothing is counted yet"),
        pytest.param(PartitionOffsets(0, 0, 10, LAST, 1000, 10), None, "", id="all agree"),
        pytest.param(PartitionOffsets(0, 0, 12, LAST, 1000, 4), None, "", id="the group is behind the counts"),
        pytest.param(PartitionOffsets(0, 0, 12, LAST, 1000), None, "", id="the group never committed"),
        pytest.param(PartitionOffsets(0, 10, 12, LAST, None, 10), None, "", id="all that is deleted was counted"),
        pytest.param(
            PartitionOffsets(0, 10, 12, LAST, None, 3), None, "", id="the group goes on at what is deleted and counted"
        ),
        pytest.param(
            PartitionOffsets(0, 0, 12, LAST, 1000, 11), Diverged, "`dossier rewind`", id="the group is past the counts"
        ),
        pytest.param(
            PartitionOffsets(0, 0, 12, None, None, 1), Diverged, "`dossier rewind`", id="the counts were emptied"
        ),
        pytest.param(
            PartitionOffsets(0, 0, 14, Counted(13, 1000, 9), 1000, 14),
            None,
            "",
            id="the log ends in what holds nothing",
        ),
        pytest.param(
            PartitionOffsets(0, 0, 14, LAST, 1000, 10, 10), None, "", id="what comes next waits for a transaction"
        ),
        pytest.param(
            PartitionOffsets(0, 0, 14, Counted(13, 1000, 9), 999, 14),
            Diverged,
            "at offset 9",
            id="written again before an offset gap",
        ),
        pytest.param(PartitionOffsets(0, 11, 12, LAST, None, 10), LostEvents, "--accept-gap`", id="one record is lost"),
        pytest.param(
            PartitionOffsets(0, 12, 12, LAST, None, 12), LostEvents, "--accept-gap`", id="all records are lost"
        ),
        pytest.param(PartitionOffsets(0, 3, 12), LostEvents, "3 records were deleted", id="the first ones are lost"),
        pytest.param(
            PartitionOffsets(0, 0, 9, LAST, None, 9),
            Diverged,
            "`dossier rebuild`",
            id="the topic ends before the counts",
        ),
        pytest.param(
            PartitionOffsets(0, 0, 12, LAST, 999, 10), Diverged, "another record", id="the topic was written anew"
        ),
    ],
)
def test_each_disagreement_names_the_command_to_run(
    at: PartitionOffsets, error: type[StreamsError] | None, said: str
) -> None:
    found = disagreement([at])
    assert type(found) is (error or type(None))
    assert said in str(found)


def test_the_gravest_is_told_first_and_how_many_there_are() -> None:
    ahead, lost, cut = (
        PartitionOffsets(0, 0, 12, LAST, 1000, 11),
        PartitionOffsets(1, 11, 12, LAST, None, 11),
        PartitionOffsets(2, 0, 5, LAST, None, 5),
    )
    assert str(disagreement([ahead, lost, cut])).startswith("dossier-events partition 2 ends at offset 5")
    assert isinstance(disagreement([ahead, lost]), LostEvents)
    assert "partition 0: the group resumes at offset 11, but the counts end before 10 (and 1 more)" in str(
        disagreement([ahead, PartitionOffsets(1, 0, 12, LAST, 1000, 12)])
    )


@pytest.mark.parametrize(
    ("at", "to_start", "accept_gap", "gaps", "moves"),
    [
        pytest.param(
            PartitionOffsets(0, 0, 12, LAST, 1000, 12), False, False, [], [Move(0, 12, 10)], id="back to the counts"
        ),
        pytest.param(PartitionOffsets(0, 0, 12, LAST, 1000, 4), False, False, [], [], id="never forward"),
        pytest.param(
            PartitionOffsets(0, 0, 12, LAST, 1000), False, False, [], [], id="from the start it goes by itself"
        ),
        pytest.param(
            PartitionOffsets(0, 2, 12, LAST, 1000, 10), True, False, [], [Move(0, 10, 2)], id="to what is first there"
        ),
        pytest.param(PartitionOffsets(0, 2, 12, LAST, 1000, 2), True, False, [], [], id="it is there already"),
        pytest.param(
            PartitionOffsets(0, 15, 20, LAST, None, 12),
            False,
            True,
            [Gap(0, 10, 14)],
            [Move(0, 12, 15)],
            id="past a gap",
        ),
        pytest.param(
            PartitionOffsets(0, 3, 20), False, True, [Gap(0, 0, 2)], [Move(0, None, 3)], id="a gap at the beginning"
        ),
        pytest.param(
            PartitionOffsets(0, 3, 20, None, None, 3), False, True, [Gap(0, 0, 2)], [], id="the group is past it"
        ),
        pytest.param(
            PartitionOffsets(0, 0, 12, LAST, 1000, 12), False, True, [], [Move(0, 12, 10)], id="no gap to accept"
        ),
    ],
)
def test_where_a_rewind_moves_the_group(
    at: PartitionOffsets, to_start: bool, accept_gap: bool, gaps: list[Gap], moves: list[Move]
) -> None:
    found = plan_rewind([at], to_start=to_start, accept_gap=accept_gap)
    assert (found.gaps, found.moves) == (gaps, moves)


@pytest.mark.parametrize("to_start", [False, True])
def test_a_rewind_never_passes_over_what_is_lost_unless_it_is_said(to_start: bool) -> None:
    lost = PartitionOffsets(0, 15, 20, LAST, None, 12)
    with pytest.raises(LostEvents, match="5 records were deleted before they were counted"):
        plan_rewind([lost], to_start=to_start, accept_gap=False)


@pytest.mark.parametrize("accept_gap", [False, True])
def test_a_rewind_is_no_answer_to_a_topic_that_was_cut_off(accept_gap: bool) -> None:
    cut = PartitionOffsets(0, 0, 5, LAST, None, 5)
    with pytest.raises(Diverged, match="`dossier rebuild`"):
        plan_rewind([cut], to_start=False, accept_gap=accept_gap)


def test_what_is_behind_an_open_transaction_cannot_be_read_yet() -> None:
    assert PartitionOffsets(0, 0, 14, LAST, 1000, 10, 12).readable == 12
    assert PartitionOffsets(0, 0, 14, LAST, 1000, 10).readable == 14
