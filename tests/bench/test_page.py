"""The page of figures says what the result files say."""

import re

import msgspec
import pytest
from click.testing import CliRunner

from bench.page import PAGE, RESULTS, made, main
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
