"""The page of figures says what the result files say."""

import re

import msgspec
import pytest
from click.testing import CliRunner
from msgspec.json import encode as json

from bench.command_options import RESULTS
from bench.page import PAGE, city, made, main, plain
from bench.peers.result import Result, cells


def test_the_page_and_its_chart_are_what_the_results_say() -> None:
    for path, text in made().items():
        assert path.read_text() == text, f"{path.name}: run python -m bench.page"
    assert CliRunner().invoke(main, ["--check"]).exit_code == 0


@pytest.mark.parametrize("name", [*re.findall(r"^<!-- (\w+) -->$", PAGE.read_text(), re.M)])
def test_a_section_is_there_where_there_is_a_result(name: str) -> None:
    (section,) = re.findall(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", PAGE.read_text(), re.S)
    assert bool(section.strip()) == (RESULTS / f"{name}.json").exists()


def test_every_system_of_the_result_has_its_line() -> None:
    result = msgspec.json.decode((RESULTS / "peers.json").read_bytes(), type=Result)
    for row in result.rows:
        assert f"| {' | '.join(cells(row))} |" in PAGE.read_text()


def test_ours_is_exact_also_after_a_kill() -> None:
    result = msgspec.json.decode((RESULTS / "peers.json").read_bytes(), type=Result)
    (ours,) = (row for row in result.rows if row.system == "ours")
    assert (ours.wrong, ours.killed) == (0, "clean")


MACHINE = {"processor": "a CPU", "cores": 2, "memory_gb": 24, "system": "Linux 6", "python": "3.11.7"}


def test_a_result_with_plain_rows_becomes_a_table_of_its_keys() -> None:
    rows = [{"rate": 60, "p99_ms": 212.34, "case": "live"}, {"rate": 5000, "p99_ms": None, "case": "restart"}]
    section = plain(json({"machine": MACHINE, "command": "python -m bench.page --check", "rows": rows}))
    assert "a CPU, 2 cores, 24 GB, Linux 6, Python 3.11.7" in section
    assert "```\n.venv/bin/python -m bench.page --check\n```" in section
    assert section.endswith(
        "| rate | p99 ms | case |\n| --: | --: | --- |\n| 60 | 212.3 | live |\n| 5,000 | – | restart |"
    )


def test_the_seed_case_is_told_by_its_dossiers_and_its_two_replays() -> None:
    replay = {
        "events": 400,
        "seconds": 2.0,
        "events_per_second": 200,
        "cpu_seconds_per_million": 21.5,
        "worker_peak_mb": 300.0,
        "differences": 0,
    }
    result = {"dossiers": 1000, "online": 200, "resolved": 900, "on_time": 819} | replay
    published = {"events": 400, "seconds": 1.0, "events_per_second": 400, "peak_mb": 90.0}
    more = {"second_replay": replay, "publishing": published, "machine": MACHINE, "command": "x", "seed": 1}
    section = city(json(result | more))
    assert "1,000 dossiers, 200 of them online, 900 resolved, 819 on time" in section
    assert "| first replay | 400 | 2.0 | 200 | 21.5 | 300.0 | 0 |" in section
    assert "| publishing | 400 | 1.0 | 400 | – | – | – |" in section
