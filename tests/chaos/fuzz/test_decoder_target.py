"""Fuzzing of the decoder: it reaches every outcome, finds what is wrong, and comes again from seed and number."""

from datetime import datetime
from typing import get_args

import pytest

from chaos.fuzz import decoder_target
from chaos.fuzz.decoder_target import fuzz_decoder, input_of
from schemas.envelope import Decoded, RejectReason, decode
from tests.thorough import sized


@pytest.mark.slow
def test_thousands_of_hostile_inputs_are_read() -> None:
    inputs = sized(1000, 4000)
    fuzzed = fuzz_decoder(seed=20260701, inputs=inputs)
    assert fuzzed.findings == []
    assert fuzzed.inputs == inputs
    reached = {
        "event",
        "columns",
        "batches",
        "dead letter",
        "row taken",
        "row refused",
        "mapping taken",
        "mapping refused",
    }
    # A router alone finds what does not fit a mapping.
    assert reached | set(get_args(RejectReason)) - {"unmapped"} <= set(fuzzed.outcomes)


def test_an_input_follows_from_its_seed_and_number() -> None:
    first = [input_of(7, number).content for number in range(50)]
    assert first == [input_of(7, number).content for number in range(50)]
    assert first != [input_of(8, number).content for number in range(50)]


def test_a_decoder_that_loses_a_line_is_found_and_the_input_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(value: bytes | None, published_at: datetime) -> Decoded:
        decoded = decode(value, published_at)
        return Decoded(decoded.events, [rejection for rejection in decoded.rejections if rejection.reason != "future"])

    monkeypatch.setattr(decoder_target, "decode", forgetful)
    [finding, *_] = fuzz_decoder(seed=1, inputs=100).findings
    assert "accounted for" in finding.problem
    assert finding.content == input_of(1, finding.number).content
    assert f"--target decoder --replay 1:{finding.number}" in str(finding)
    assert fuzz_decoder(1, 1, first=finding.number).findings == [finding]


def test_an_exception_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_value: bytes | None, _published_at: datetime) -> Decoded:
        raise OverflowError("date value out of range")

    monkeypatch.setattr(decoder_target, "decode", broken)
    assert "OverflowError at test_decoder_target.py" in fuzz_decoder(seed=1, inputs=100).findings[0].problem
