from streams.storage.backoff import Backoff


def test_pauses_double_up_to_five_seconds() -> None:
    backoff = Backoff()
    pauses = []
    for _ in range(9):
        backoff.failed()
        pauses.append(round(backoff.seconds, 1))
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0, 5.0]


def test_the_first_failures_are_logged_each_and_later_ones_now_and_then() -> None:
    backoff = Backoff()
    logged = []
    for attempt in range(1, 41):
        backoff.failed()
        if backoff.is_logged:
            logged.append(attempt)
    assert logged == [*range(1, 11), 11, 21, 31]
