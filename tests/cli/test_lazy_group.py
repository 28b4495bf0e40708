"""A command pays for its own imports alone."""

import subprocess
import sys
from pathlib import Path

import pytest

from cli.lazy_group import module_of
from tests.cli.commands import environment

HEAVY = {
    *("aiohttp", "chdb", "clickhouse_driver", "faust", "grafana_api", "kafka"),
    *("numpy", "openpyxl", "prometheus_client", "pyarrow", "requests", "rich.console"),
}
"""Modules that take long to import."""
SCRIPT = """
import sys
sys.argv = ["dossier", *sys.argv[1:]]
from cli.main import main
try:
    main()
finally:
    print("\\n" + " ".join(sys.modules))
"""


def imported(*arguments: str, **variables: str | Path) -> set[str]:
    """The heavy modules that a command has imported when it ends, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return HEAVY & set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    "arguments", [("--version",), ("--help",), ("status",), ("settings",), ("completion", "bash"), ("counts",)]
)
@pytest.mark.process
def test_what_needs_no_service_imports_no_client(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    assert imported(*arguments, data=tmp_path) == set()


@pytest.mark.process
def test_completing_the_name_of_a_command_imports_no_command() -> None:
    asked = {"_DOSSIER_COMPLETE": "bash_complete", "COMP_WORDS": "dossier re", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], env=environment() | asked, capture_output=True, text=True, check=False
    )
    assert done.stdout.split()[:4] == ["plain,receive", "plain,rewind", "plain,rebuild", "plain,reference"]
    assert not HEAVY & set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "without"),
    [
        (("report",), {"faust", "pyarrow", "openpyxl", "aiohttp"}),
        (("migrate",), {"faust", "pyarrow", "openpyxl", "aiohttp"}),
        (("work",), {"pyarrow", "openpyxl"}),
        (("grafana", "check"), {"faust", "pyarrow", "kafka", "clickhouse_driver", "requests"}),
    ],
)
@pytest.mark.process
def test_a_command_imports_nothing_that_only_others_need(
    tmp_path: Path, arguments: tuple[str, ...], without: set[str]
) -> None:
    assert not imported(*arguments, data=tmp_path) & without


@pytest.mark.process
def test_a_client_of_clickhouse_makes_days_as_it_meets_them() -> None:
    """The driver would make 146,000 of them when it is imported."""
    script = """
from datetime import date, timedelta
import cli.doctor, cli.audit, cli.work
from clickhouse_driver.columns.datecolumn import Date32Column as column
print(len(column.date_lut) < 10, len(column.date_lut_reverse) < 10)
days = (-25567, -1, 0, 20_514, 65_535)
print(all(column.date_lut[day] == date(1970, 1, 1) + timedelta(day) for day in days))
print(all(column.date_lut_reverse[column.date_lut[day]] == day for day in days))
"""
    variables = {name: value for name, value in environment().items() if not name.startswith("CLICKHOUSE_DRIVER")}
    done = subprocess.run([sys.executable, "-c", script], env=variables, capture_output=True, text=True, check=False)
    assert (done.stdout.split(), done.stderr) == (["True"] * 4, "")


def test_the_module_of_a_command_has_its_name() -> None:
    assert [module_of(name) for name in ("up", "dead-letters", "import")] == ["up", "dead_letters", "import_"]
