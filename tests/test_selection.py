"""What CI runs: each test once, and at a desk only what is quick."""

import re
from collections.abc import Iterator
from itertools import chain, combinations
from pathlib import Path

import pytest
from _pytest.mark.expression import Expression

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text()
SERVICES = {"clickhouse", "kafka", "platform", "loopback", "process"}


def selection(target: str) -> Expression:
    """Which tests a target runs."""
    found = re.search(rf'^{target}:.*\n(?:\t.*\n)*?\t.*-m "(?P<markers>[^"]*)"', MAKEFILE, re.MULTILINE)
    assert found, target
    return Expression.compile(found["markers"])


def takes(target: str, markers: set[str]) -> bool:
    def has(name: str, /, **_: object) -> bool:
        return name in markers

    return selection(target).evaluate(has)


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
