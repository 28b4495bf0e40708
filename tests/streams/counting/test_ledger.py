"""What was counted of a partition, and the numbers of its cases."""

from streams.counting.ledger import NO_RECORDS, CaseNumbers, Ledger


def test_each_record_is_counted_and_so_is_what_was_skipped_before_it() -> None:
    ledger = NO_RECORDS.with_record(0).with_record(3).with_record(0)
    assert ledger == Ledger(records=3, skipped=3)


def test_numbers_follow_each_other() -> None:
    numbers = CaseNumbers(7)
    assert [numbers.next(), numbers.next(), numbers.last] == [8, 9, 9]


def test_a_case_that_was_stored_ahead_keeps_its_number_and_the_next_comes_after_it() -> None:
    numbers = CaseNumbers(7, {9})
    assert numbers.next() == 8
    numbers.observe(9)
    assert (numbers.last, numbers.next()) == (9, 10)


def test_numbers_of_cases_that_are_stored_ahead_are_not_given_to_others() -> None:
    assert CaseNumbers(7, {8, 9, 11}).next() == 10


def test_the_log_may_come_again_to_a_case_that_was_numbered_long_ago() -> None:
    numbers = CaseNumbers(7)
    numbers.observe(3)
    assert numbers.last == 7
