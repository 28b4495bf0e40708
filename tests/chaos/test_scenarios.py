"""The scenarios of the harness that workers outlive by themselves, once and short."""

from pathlib import Path

import pytest

from chaos.runner import LASTING
from tests.chaos.short_run import assert_exact

pytestmark = [pytest.mark.chaos, pytest.mark.platform, pytest.mark.timeout(1800)]


def test_the_counts_are_exact_in_spite_of_one_after_another(tmp_path: Path) -> None:
    assert_exact(tmp_path, LASTING)
