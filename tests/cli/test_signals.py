"""How a command hears that it is to stop."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from cli.signals import STOP_SIGNALS, Interrupted, Stop, Terminated, stop_signals


def test_the_first_signal_interrupts_and_later_ones_only_hurry() -> None:
    heard: list[str] = []
    with stop_signals(lambda: heard.append("first"), lambda: heard.append("later")):
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGTERM)
    assert heard == ["first", "later", "later"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_termination_ends_with_its_own_code(number: int, code: int) -> None:
    with stop_signals(lambda: None, lambda: None), pytest.raises(Terminated) as caught:
        os.kill(os.getpid(), number)
    assert caught.value.code == code


def test_what_was_set_before_is_restored_and_what_was_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stop_signals(lambda: pytest.fail("it was ignored"), lambda: None):
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_between_two_steps_is_remembered_not_raised() -> None:
    with Stop() as stop:
        assert stop.exit_code == 0
        os.kill(os.getpid(), signal.SIGINT)
        assert (stop.signal, stop.exit_code) == (signal.SIGINT, 130)


def test_a_signal_ends_a_wait() -> None:
    started = time.monotonic()
    threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGTERM)).start()
    with Stop() as stop, pytest.raises(Interrupted), stop.waiting():
        time.sleep(20)
    assert stop.exit_code == 143
    assert time.monotonic() - started < 10


def test_a_signal_during_work_on_an_item_lets_the_work_end_and_takes_no_other() -> None:
    done = []

    def work(stop: Stop) -> None:
        for item in stop.each([1, 2, 3]):
            if item == 2:
                os.kill(os.getpid(), signal.SIGINT)
            done.append(item)

    with Stop() as stop, pytest.raises(Interrupted):
        work(stop)
    assert done == [1, 2]


def test_a_signal_while_the_next_item_is_waited_for_is_heard_at_once() -> None:
    def items() -> Iterator[int]:
        yield 1
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the wait went on")

    with Stop() as stop, pytest.raises(Interrupted):
        assert list(stop.each(items())) == [1]
    assert stop.exit_code == 143


def test_a_second_signal_is_not_waited_with() -> None:
    with Stop():
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_what_signals_did_before_they_do_again() -> None:
    before = [signal.getsignal(number) for number in STOP_SIGNALS]
    with Stop():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in STOP_SIGNALS] == before


def test_a_closed_terminal_is_a_wish_to_stop_too() -> None:
    with Stop() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
    assert stop.exit_code == 129


def test_an_ignored_signal_stays_ignored() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Stop() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert stop.signal is None
    finally:
        signal.signal(signal.SIGINT, before)
