import re
from collections.abc import Sequence
from datetime import datetime

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chaos.fuzz.event_lines import INSTANTS
from schemas.instant import EARLIEST, LATEST, Instant, check_instant, to_micros
from schemas.instant_columns import SHORTEST, micros_of
from tests.strategies import instants

DECODER = msgspec.json.Decoder(Instant)
MANY = 3000


def read_singly(text: str) -> int | None:
    """The instant as the decoder of single events takes it; None where that refuses it."""
    try:
        instant: datetime = DECODER.decode(msgspec.json.encode(text))
        check_instant("at", instant)
    except (msgspec.MsgspecError, ValueError):
        return None
    return to_micros(instant)


def agrees(texts: Sequence[str]) -> bool:
    """Whether these are read together as they are singly, or not at all."""
    found = micros_of(texts)
    return found is None or found.tolist() == list(map(read_singly, texts))


def written(instant: datetime, digits: int) -> str:
    """The instant with so many digits of its fraction, as sources write it."""
    text = instant.isoformat(timespec="microseconds")
    fraction = text[19 : 20 + digits] if digits else ""
    return text[:19] + fraction + ("Z" if text.endswith("+00:00") else text[26:])


@given(st.lists(st.builds(written, instants(), st.sampled_from((0, 3, 6))), min_size=1, max_size=30))
def test_usual_instants_are_read_together_as_they_are_singly(texts: list[str]) -> None:
    expected = list(map(read_singly, texts))
    found = micros_of(texts)
    assert (None if found is None else found.tolist()) == (None if None in expected else expected)


def test_the_first_and_the_last_microsecond_are_read() -> None:
    texts = [
        "2000-01-01T00:00:00Z",
        "2099-12-31T23:59:59.999999Z",
        "2100-01-01T06:59:59+07:00",
        "1999-12-31T16:00:00-08:00",
    ]
    expected = [to_micros(EARLIEST), to_micros(LATEST) - 1, to_micros(LATEST) - 1_000_000, to_micros(EARLIEST)]
    found = micros_of(texts)
    assert found is not None
    assert found.tolist() == expected


@pytest.mark.parametrize("text", [text for text in INSTANTS if len(text) >= SHORTEST])
def test_an_odd_instant_is_read_as_it_is_singly_or_not_at_all(text: str) -> None:
    assert agrees([text])
    assert agrees(["2026-03-01T08:00:00Z", text, "2026-03-01T08:00:00Z"])
    assert agrees([text, "2026-03-01T08:00:00+07:00"])


DAY = "2026-03-01T08:09:10"


@pytest.mark.slow
@pytest.mark.parametrize("usual", [f"{DAY}Z", f"{DAY}.123Z", f"{DAY}.123456Z", f"{DAY}+07:00", f"{DAY}.123-09:30"])
def test_any_letter_in_any_place_is_read_as_it_is_singly_or_not_at_all(usual: str) -> None:
    assert micros_of([usual]) is not None
    for place in range(len(usual)):
        for letter in "0123456789-+:.,TtZz /;\0éĀ":
            spoiled = usual[:place] + letter + usual[place + 1 :]
            assert agrees([spoiled]), spoiled
            assert agrees([usual, spoiled]), spoiled


@pytest.mark.parametrize("year", [2000, 2023, 2024, 2096, 2099])
def test_every_day_of_a_year_and_no_other_is_read(year: int) -> None:
    for month in range(14):
        for day in range(33):
            text = f"{year}-{month:02}-{day:02}T00:00:00Z"
            found = micros_of([text])
            assert (None if found is None else found.tolist()) == (
                None if read_singly(text) is None else [read_singly(text)]
            )


@given(st.lists(st.text("0123456789-+:.TZz ", min_size=SHORTEST, max_size=40), min_size=1, max_size=4))
@example(["2026-03-01T08:00:00Z2026", "2026-03-01T08:00:00Z"])
@example(["2026-03-01T08:00:00\u0660Z", "2026-03-01T08:00:00Z"])
def test_whatever_else_is_not_read(texts: list[str]) -> None:
    assert agrees(texts)


def test_many_instants_are_read_at_once() -> None:
    texts = [f"2026-03-01T08:{number % 60:02}:00{'.250' * (number % 7 == 0)}Z" for number in range(MANY)]
    assert re.search("250", texts[0])
    found = micros_of(texts)
    assert found is not None
    assert found.tolist() == list(map(read_singly, texts))
