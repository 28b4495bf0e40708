"""Where a benchmark's result goes."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.command_options import RESULTS, command_of, data_option, out_options


@click.command()
@data_option("Of nothing.")
@out_options("city")
def command(data: Path, out: Path) -> None:  # noqa: ARG001  # it is where `out` is
    click.echo(out)


@pytest.mark.parametrize(
    ("options", "out"),
    [
        ((), "x/bench-results/city.json"),
        (("--data", "y"), "y/bench-results/city.json"),
        (("--out", "z.json", "--data", "y"), "z.json"),
        (("--record", "--data", "y"), str(RESULTS / "city.json")),
    ],
)
def test_only_a_run_that_is_recorded_changes_what_is_committed(options: tuple[str, ...], out: str) -> None:
    assert CliRunner().invoke(command, options, env={"DOSSIER_DATA": "x"}).output == f"{out}\n"


def test_a_result_goes_to_one_place() -> None:
    found = CliRunner().invoke(command, ["--record", "--out", "z.json"])
    assert found.exit_code == 2
    assert "either --record or --out" in found.output


def test_a_recorded_command_has_no_place_of_the_machine_that_ran_it(monkeypatch: pytest.MonkeyPatch) -> None:
    given = ["x", "--rounds", "6", "--data", "/x/y z", "--keep", "--record", "--out=/x/o.json", "--seed", "2"]
    monkeypatch.setattr("sys.argv", given)
    assert command_of("bench.page") == "python -m bench.page --rounds 6 --seed 2"
