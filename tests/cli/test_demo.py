from pathlib import Path

import pytest

from tests.cli.terminal import SECONDS, Terminal


@pytest.mark.platform
@pytest.mark.scenario
def test_the_log_is_counted_then_live_traffic_is_shown_until_somebody_quits(tmp_path: Path) -> None:
    terminal = Terminal("demo", "--data", str(tmp_path / "data"))
    terminal.await_("6,416 events are counted, 6,416 of them new")
    terminal.await_("HÔM NAY / Today")
    terminal.await_("ĐẠT")
    terminal.press("q")
    terminal.await_("The platform stops now and keeps its data")
    assert terminal.process.wait(SECONDS) == 0
    terminal.close()
