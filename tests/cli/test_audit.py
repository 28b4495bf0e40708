"""`dossier audit`: sound counts end with 0, others with 4 and each difference."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from clickhouse_driver import Client
from msgspec import structs

from chaos.tcp_proxy import Proxy
from schemas.connection import ClickHouseConnection
from schemas.events import Progressed, Received
from schemas.partition import partition_of
from streams.storage.clickhouse_client import connect
from tests.cli.commands import AWAY, Run, environment, named
from tests.streams.cases import said
from tests.streams.counted import PARTITIONS, count

pytestmark = pytest.mark.clickhouse

RECEIVED = said(Received, "2026-03-02 08:00", agency="H01")
PARTITION = partition_of("D1", PARTITIONS)
WINDOWS = len({PARTITION, partition_of("D2", PARTITIONS)})
"""Rows of one window: one for each partition that counts in it."""


@pytest.fixture
def counted(clickhouse: ClickHouseConnection) -> ClickHouseConnection:
    other = said(Received, "2026-03-02 08:01", dossier="D2", agency="H01")
    count(clickhouse, RECEIVED, said(Progressed, "2026-03-02 08:02", step="review"), other)
    return clickhouse


@pytest.fixture
def client(clickhouse: ClickHouseConnection) -> Iterator[Client]:
    client = connect(clickhouse)
    yield client
    client.disconnect()


def test_what_an_audit_found_is_written_down(dossier: Run, counted: ClickHouseConnection, client: Client) -> None:
    assert dossier("audit", **named(counted)).code == 0
    client.execute("TRUNCATE TABLE windows")
    assert dossier("audit", **named(counted)).code == 4
    found = client.execute("SELECT dossiers, events, facts_differences, window_differences > 0 FROM audits ORDER BY at")
    assert found == [(2, 3, 0, 0), (2, 3, 0, 1)]


def test_who_may_only_read_can_audit_all_the_same(dossier: Run, counted: ClickHouseConnection, client: Client) -> None:
    client.execute("DROP TABLE audits")
    ended = dossier("audit", **named(counted))
    assert ended.code == 0
    assert "the result is not written to the table audits: " in ended.err


def test_sound_counts_end_with_0(dossier: Run, counted: ClickHouseConnection) -> None:
    ended = dossier("audit", **named(counted))
    said = f"0 differences in {WINDOWS} windows and 2 dossiers recomputed from 3 events\n"
    assert ended == (0, said, "")
    found = dossier("audit", "--json", **named(counted))
    assert found.code == 0
    assert json.loads(found.out) == {
        "dossiers": 2,
        "events": 3,
        "windows": WINDOWS,
        "window_differences": [],
        "facts_differences": [],
        "conflicts": 0,
        "findings": [],
        "unconfirmed": 0,
        "records": None,
        "scope": "all",
        "differences": 0,
    }


def test_a_wrong_window_is_told_and_nothing_else(dossier: Run, counted: ClickHouseConnection, client: Client) -> None:
    client.execute(
        "INSERT INTO windows SELECT * REPLACE (pos + 1 AS pos, received + 1 AS received) FROM windows FINAL "
        f"WHERE partition = {PARTITION}"
    )
    is_ = [dossier for dossier in ("D1", "D2") if partition_of(dossier, PARTITIONS) == PARTITION]
    ended = dossier("audit", **named(counted))
    assert (ended.code, ended.err) == (4, "")
    first, last = ended.out.splitlines()
    assert first == (
        f"window H01 2026-03-02T01:00:00+00:00 partition {PARTITION}: received is {len(is_) + 1}, "
        f"the facts add up to {len(is_)}"
    )
    assert last.startswith("1 differences in ")


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            "INSERT INTO facts SELECT * REPLACE (pos + 1 AS pos, 'lost' AS step) FROM facts FINAL "
            "WHERE facts.dossier = 'D1'",
            "facts D1: step is lost, the events say review",
        ),
        (
            "INSERT INTO facts SELECT * REPLACE ('D0' AS dossier, '' AS case_kind) FROM facts FINAL "
            "WHERE facts.dossier = 'D1'",
            "facts D0: dossier is D0, the events say missing",
        ),
    ],
)
def test_wrong_facts_are_told_and_nothing_else(
    dossier: Run, counted: ClickHouseConnection, client: Client, change: str, line: str
) -> None:
    client.execute(change)
    ended = dossier("audit", **named(counted))
    assert ended.code == 4
    first, last = ended.out.splitlines()
    assert first == line
    assert last.startswith("1 differences in ")


def test_json_has_each_difference(dossier: Run, counted: ClickHouseConnection, client: Client) -> None:
    client.execute("DELETE FROM facts WHERE dossier = 'D1'")
    ended = dossier("audit", "--json", **named(counted))
    assert ended.code == 4
    found = json.loads(ended.out)
    assert found["facts_differences"] == [
        {"dossier": "D1", "column": "dossier", "stored": "missing", "recomputed": "D1"}
    ]
    (window,) = found["window_differences"]
    assert (window["agency"], window["window"], window["counter"]) == ("H01", "2026-03-02T01:00:00+00:00", "received")
    assert window["stored"] - window["recomputed"] == 1
    assert found["differences"] == 2


def test_conflicts_are_told_and_are_no_difference(dossier: Run, clickhouse: ClickHouseConnection) -> None:
    count(clickhouse, RECEIVED, structs.replace(RECEIVED, channel="postal"))
    ended = dossier("audit", **named(clickhouse))
    assert ended.code == 0
    assert "1 event ids have several contents: see the view event_conflicts" in ended.out


def test_many_differences_are_cut_short_for_a_person_alone(
    dossier: Run, counted: ClickHouseConnection, client: Client
) -> None:
    (row,) = client.execute("SELECT * REPLACE ('' AS case_kind) FROM facts FINAL WHERE dossier = 'D1'")
    client.execute("INSERT INTO facts VALUES", [(f"x{number}", *row[1:]) for number in range(70)])
    ended = dossier("audit", **named(counted))
    assert ended.code == 4
    assert len(ended.out.splitlines()) == 52
    assert "and more: at most 50 of each kind are shown, --json prints all" in ended.out
    assert len(json.loads(dossier("audit", "--json", **named(counted)).out)["facts_differences"]) == 70


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--every", "5", "--json"), "--json is for one audit"),
        (("--metrics", "127.0.0.1:1"), "--metrics needs --every"),
        (("--every", "0"), "0.0 is not in the range x>=1"),
        (("--every", "5", "--metrics", "here"), "'here' is not host:port"),
    ],
    ids=" ".join,
)
def test_options_that_do_not_go_together(dossier: Run, arguments: tuple[str, ...], said: str) -> None:
    ended = dossier("audit", *arguments, clickhouse=AWAY)
    assert ended.code == 2
    assert said in ended.err


def test_audits_go_on_while_the_database_is_away_until_told_to_stop(
    counted: ClickHouseConnection, client: Client, tmp_path: Path, unused_port: int
) -> None:
    """The server is reached through a proxy, which is away at first."""
    log = tmp_path / "audit.log"

    def metric(line: str) -> bool:
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{unused_port}/metrics", timeout=5) as page:
            return line in page.read().decode().splitlines()
        return False

    def until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 240
        while not condition():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

    with ExitStack() as stack:
        cut = [True]
        proxy = stack.enter_context(Proxy(counted.host, counted.port, lambda _: cut[0]))
        command = (sys.executable, "-m", "cli.main", "audit", "--every", "1", "--metrics", f"127.0.0.1:{unused_port}")
        away = structs.replace(counted, host="127.0.0.1", port=proxy.port)
        variables = named(away) | {"log": "json"}
        output = stack.enter_context(log.open("w"))
        process = subprocess.Popen(command, env=environment(data=tmp_path, **variables), stdout=output, stderr=output)
        stack.callback(process.wait)
        stack.callback(process.kill)
        until(lambda: metric('dossier_audits_total{ended="unfinished"} 1.0'))
        cut[0] = False
        until(lambda: metric('dossier_audit_differences{kind="facts"} 0.0'))
        # One that cannot be written down is an audit all the same.
        client.execute("DROP TABLE audits")
        client.execute(
            "INSERT INTO facts SELECT * REPLACE (pos + 1 AS pos, 'lost' AS step) FROM facts FINAL "
            "WHERE facts.dossier = 'D1'"
        )
        until(lambda: metric('dossier_audit_differences{kind="facts"} 1.0'))
        process.terminate()
        assert process.wait(30) == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    changes = [(line["kind"], line["differences"]) for line in lines if "has changed" in line["message"]]
    assert changes == [("facts", 1), ("windows", 0)]
    assert any(line["message"] == "facts differ" and line["dossier"] == "D1" for line in lines)
    assert any(line["message"].startswith("the result is not written to the table audits: ") for line in lines)
