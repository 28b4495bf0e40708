"""What CI runs: each test once, and at a desk only what is quick."""

import re
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

from tests.selection import holds_nothing

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
SERVICES = {"clickhouse", "kafka", "platform", "loopback", "process"}


def expression(target: str) -> str:
    """Which tests a target runs."""
    found = re.search(rf'^{target}:.*\n(?:\t.*\n)*?\t.*-m "(?P<markers>[^"]*)"', MAKEFILE, re.MULTILINE)
    assert found, target
    return found["markers"]


def takes(target: str, markers: set[str]) -> bool:
    def has(name: str, /, **_: object) -> bool:
        return name in markers

    return Expression.compile(expression(target)).evaluate(has)


def any_markers(config: pytest.Config) -> Iterator[set[str]]:
    """Every set of markers that a test can have."""
    declared = {line.partition(":")[0] for line in config.getini("markers")} & (
        SERVICES | {"chaos", "scenario", "slow"}
    )
    return map(set, chain.from_iterable(combinations(sorted(declared), size) for size in range(len(declared) + 1)))


def test_ci_runs_each_test_once(pytestconfig: pytest.Config) -> None:
    steps = re.findall(r"^make (\S+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert steps == ["test", "chaos-short"]
    found = list(any_markers(pytestconfig))
    assert len(found) == 2**8
    for markers in found:
        assert sum(takes(target, markers) for target in steps) == 1, markers


def test_a_desk_runs_no_test_that_ci_leaves_out_and_none_that_takes_long(pytestconfig: pytest.Config) -> None:
    assert takes("test-unit", set())
    for markers in any_markers(pytestconfig):
        if takes("test-unit", markers):
            assert takes("test", markers)
            assert not markers & (SERVICES | {"slow"})


KAFKA = (
    "pytestmark = [pytest.mark.kafka, pytest.mark.filterwarnings(ORPHAN)]\n\n\n@pytest.mark.chaos\ndef test_a(): ...\n"
)
ONE = "@pytest.mark.kafka\ndef test_a(): ...\n\n\ndef test_b(): ...\n"
PARAMETER = "@pytest.mark.parametrize('a', [pytest.param(1, marks=pytest.mark.chaos)])\ndef test_a(a): ...\n"


@pytest.mark.parametrize(
    ("expression", "text", "expected"),
    [
        ("not (chaos or kafka)", KAFKA, True),
        ("not (kafka)", KAFKA, True),
        ("not (chaos or scenario)", KAFKA, False),
        ("not (chaos or kafka)", ONE, False),
        ("chaos or scenario", KAFKA, False),
        ("chaos or scenario", PARAMETER, False),
        ("chaos or scenario", ONE, True),
        ("kafka", ONE, False),
        ("not kafka", KAFKA, False),
        ("kafka and not chaos", ONE, False),
        ("not (chaos) or kafka", ONE, False),
    ],
)
def test_a_file_is_left_out_only_where_none_of_its_tests_is_taken(expression: str, text: str, expected: bool) -> None:
    assert holds_nothing(expression, text) is expected


def test_targets_leave_out_files() -> None:
    """Otherwise their expressions are no longer of a form that is understood."""
    texts = [file.read_text() for file in (ROOT / "tests").rglob("test_*.py")]
    left_out = {
        target: sum(holds_nothing(expression(target), text) for text in texts)
        for target in ("test", "test-unit", "chaos-short")
    }
    assert 0 < left_out["test"] < left_out["test-unit"] < len(texts) / 2 < left_out["chaos-short"] < len(texts)


def test_what_make_test_leaves_to_chaos_short_says_so_where_it_is_collected() -> None:
    """A mark that a test has from another file would not be seen there, and neither step of CI would run it."""
    marked = re.compile(r"\bmark\.(chaos|scenario)\b")
    others = [file for file in (ROOT / "tests").rglob("*.py") if not file.name.startswith("test_")]
    assert others
    assert [file for file in others if marked.search(file.read_text())] == []
