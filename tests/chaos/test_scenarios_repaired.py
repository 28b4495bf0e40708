"""The scenarios of the harness after which a person repairs something, and those of full disks, once and short.

They have a file of their own, so that another process than the one of the other scenarios runs them.
"""

from pathlib import Path

import pytest

from chaos.runner import GROUPS, LASTING, REPAIRED, SCENARIOS, SMALL_DISKS
from tests.chaos.short_run import assert_exact

pytestmark = [pytest.mark.chaos, pytest.mark.platform, pytest.mark.timeout(1800)]


def test_the_counts_are_exact_once_the_deployment_is_repaired(tmp_path: Path) -> None:
    assert_exact(tmp_path, REPAIRED)


def test_the_counts_are_exact_in_spite_of_full_disks(tmp_path: Path) -> None:
    assert_exact(tmp_path, SMALL_DISKS)


def test_no_scenario_is_left_out() -> None:
    assert sorted(name for group in GROUPS for name in group) == sorted(SCENARIOS)
    assert GROUPS == (LASTING, SMALL_DISKS, REPAIRED)
