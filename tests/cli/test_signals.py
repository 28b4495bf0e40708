"""How a command hears that it is to stop."""

import os
import signal

import pytest

from cli.signals import Terminated, stop_signals


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
