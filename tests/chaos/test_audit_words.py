"""A failed run of the harness prints what its audit found."""

from chaos.audit_words import differences_in_words
from streams.audit.findings import Audit, FactsDifference, Finding, WindowDifference

SOUND = Audit(1, 1, 1, [], [], 0)


def test_a_sound_audit_needs_no_words() -> None:
    assert differences_in_words(SOUND) == ()


def test_each_kind_of_difference_is_told_with_its_place_and_both_values() -> None:
    window = WindowDifference("H01", "2026-03-02T01:00:00+00:00", 3, "rated", 7, 0)
    wrong = Audit(1, 1, 1, [window], [FactsDifference("D1", "step", "wrong", "intake")], 0, [FINDING])
    assert differences_in_words(wrong) == (
        "audit: rollups, refresh_city_waiting: is Empty query, should be fills its table again and again",
        "audit: step of 'D1' is wrong, should be intake",
        "audit: window 'H01' 2026-03-02T01:00:00+00:00 of partition 3: rated is 7, should be 0",
    )


def test_of_many_the_first_are_told_and_how_many_there_are() -> None:
    told = differences_in_words(Audit(1, 1, 1, [], [], 0, [FINDING] * 40))
    assert (len(told), told[-1]) == (11, "audit: 40 differences in all")


FINDING = Finding("rollups", "refresh_city_waiting", "Empty query", "fills its table again and again")
