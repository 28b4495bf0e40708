"""`python -m chaos.fuzz`: its usage, exit codes and output."""

import os
import signal
import subprocess
import sys

import pytest

from chaos.fuzz import __main__ as command
from chaos.fuzz.findings import Finding, Fuzzed, Progress


def test_what_was_tried_and_found_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert command.main(["--target", "decoder", "--inputs", "50", "--seed", "3"]) == 0
    output = capsys.readouterr()
    assert output.out.startswith("decoder: 50 inputs of seed 3, 0 findings; ")
    assert "50 of 50 inputs" in output.err

    def found(seed: int, inputs: int, _: Progress | None, first: int) -> Fuzzed:
        return Fuzzed(inputs, findings=[Finding("decoder", seed, first, "it raises", b"\0\xff")])

    monkeypatch.setitem(command.TARGETS, "decoder", found)
    assert command.main(["--target", "decoder", "--replay", "9:4711"]) == 1
    output = capsys.readouterr()
    assert "decoder 9:4711: it raises; again with --target decoder --replay 9:4711\n  b'\\x00\\xff'" in output.out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "--target"),
        (["--target", "moon"], "moon"),
        (["--target", "decoder", "--inputs", "0"], "0 is not a number from 1"),
        (["--target", "decoder", "--replay", "x"], "'x' is no SEED:NUMBER"),
    ],
)
def test_wrong_usage_is_told(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.process
def test_it_stops_when_told_to(number: signal.Signals) -> None:
    arguments = [sys.executable, "-m", "chaos.fuzz", "--target", "decoder", "--inputs", "10000000"]
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ) as process:
        assert process.stderr is not None
        assert process.stderr.read(5)
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert errors.endswith(b"\nstopped\n")
    assert b"Traceback" not in errors
