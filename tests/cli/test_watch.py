import signal
from collections.abc import Iterator

import pytest
from msgspec import structs

from schemas.connection import ClickHouseConnection
from schemas.events import Received
from tests.cli.commands import AWAY, Run, named
from tests.cli.terminal import Terminal
from tests.streams.cases import said
from tests.streams.counted import count

pytestmark = pytest.mark.clickhouse


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    count(clickhouse, *(said(Received, "2026-03-02 08:01", dossier=f"D{n}", agency="H01") for n in range(417)))
    return clickhouse


def test_one_frame_for_a_pipe(dossier: Run, counted: ClickHouseConnection) -> None:
    ended = dossier("watch", "--once", **named(counted))
    assert (ended.code, ended.err) == (0, "")
    assert "417" in next(line for line in ended.out.splitlines() if "Đang giải quyết /" in line)
    assert "không có hồ sơ" in next(line for line in ended.out.splitlines() if "Mức độ hài lòng" in line)


def test_once_and_away(dossier: Run) -> None:
    ended = dossier("watch", "--once", clickhouse=AWAY)
    assert ended.code == 3
    assert ended.reason.startswith(f"ClickHouse at {AWAY} does not answer")


def test_not_migrated(dossier: Run, clickhouse_server: ClickHouseConnection) -> None:
    ended = dossier("watch", **named(structs.replace(clickhouse_server, database="nowhere")))
    assert ended.code == 2
    assert "run `dossier migrate`" in ended.err


def test_a_wrong_password_ends_it(dossier: Run, counted: ClickHouseConnection) -> None:
    ended = dossier("watch", **named(counted) | {"clickhouse_password": "wrong"})
    assert ended.code == 3
    assert ended.reason.startswith(f"ClickHouse at {counted.address} refuses the user default: ")
    assert "DOSSIER_CLICKHOUSE_PASSWORD" in ended.reason


@pytest.fixture
def terminal(counted: ClickHouseConnection) -> Iterator[Terminal]:
    terminal = Terminal("watch", "--every", "0.5", **named(counted))
    yield terminal
    terminal.close()


def test_keys_change_the_period_and_quit(terminal: Terminal) -> None:
    terminal.await_("Today")
    terminal.press("m")
    terminal.await_("This month")
    terminal.press("\t")
    terminal.await_("This year")
    terminal.press("q")
    assert terminal.process.wait(30) == 0


@pytest.mark.parametrize(("told", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_at_once(terminal: Terminal, told: signal.Signals, code: int) -> None:
    terminal.await_("417")
    terminal.process.send_signal(told)
    assert terminal.process.wait(30) == code


def test_a_database_that_is_away_is_told_and_asked_again() -> None:
    terminal = Terminal("watch", clickhouse=AWAY)
    terminal.await_("cannot read")
    assert terminal.process.poll() is None
    terminal.close()
