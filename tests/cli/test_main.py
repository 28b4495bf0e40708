"""The command as a whole: help, versions, how errors and the end of a reader are met."""

import os
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import click
import pytest

from cli.main import SECTIONS
from tests.cli.commands import MAPPING, SAMPLE, Run, all_commands, environment

COMMANDS = all_commands()


def test_the_version_is_told(dossier: Run) -> None:
    ended = dossier("--version")
    assert (ended.code, ended.out) == (0, f"dossier, version {version('dossier-stream')}\n")


def test_help_lists_every_command_once_in_its_section_and_cuts_nothing(dossier: Run) -> None:
    ended = dossier("--help")
    assert ended.code == 0
    lines = [line.split(maxsplit=1) for line in ended.out.splitlines() if line.startswith("  ")]
    listed = {words[0]: words[1] for words in lines if words[0] in COMMANDS}
    named = [(name, text) for commands in SECTIONS.values() for name, text in commands.items()]
    assert listed == dict(named)
    assert len(named) == len(listed) == len(COMMANDS)
    assert all(text.endswith(".") and "..." not in text and len(text) < 66 for text in listed.values())
    assert [line[:-1] for line in ended.out.splitlines() if line[:1].isupper() and line.endswith(":")] == [
        "Options",
        *SECTIONS,
    ]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_is_for(dossier: Run, name: str) -> None:
    ended = dossier(name, "--help")
    assert ended.code == 0
    assert COMMANDS[name].name == name
    assert COMMANDS[name].help
    for parameter in COMMANDS[name].params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts} has no help"
            assert parameter.opts[0] in ended.out


def test_an_unknown_command_is_wrong_usage(dossier: Run) -> None:
    ended = dossier("counts")
    assert ended.code == 2
    assert "No such command 'counts'" in ended.err


def test_a_known_error_is_one_line_and_its_own_code(dossier: Run) -> None:
    ended = dossier("report")
    assert ended.code == 3
    assert ended.reason.startswith("no platform runs in ")
    assert ended.reason.endswith("or set DOSSIER_CLICKHOUSE to host:port")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_an_unknown_setting_is_one_line_everywhere(dossier: Run, name: str) -> None:
    ended = dossier(name, kafkas="one:9092")
    assert ended.code == 2
    assert ended.reason == "DOSSIER_KAFKAS is not a setting of this program: `dossier settings` lists them"


@pytest.mark.process
def test_a_broken_profile_keeps_nothing_from_working_that_needs_none(dossier: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "profile.toml").write_text('terms = "week"')
    codes = {("down",): 0, ("status",): 3, ("--help",): 0, ("up", "--help"): 0, ("completion", "bash"): 0}
    assert {arguments: dossier(*arguments).code for arguments in codes} == codes
    ended = dossier("settings")
    assert ended.code == 0
    assert f"rules           wrong: {tmp_path / 'data' / 'profile.toml'}: terms = 'week'" in ended.out


def test_ctrl_c_ends_with_130_wherever_it_is_met(dossier: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("cli.main.Settings.from_env", interrupted)
    ended = dossier("settings")
    assert (ended.code, ended.err.strip()) == (130, "stopped")


@pytest.mark.process
def test_ctrl_c_ends_with_130_and_no_traceback(tmp_path: Path) -> None:
    """While the rows of a pipe that never ends are read."""
    command = [sys.executable, "-m", "cli.main", "import", "-", "--format", "csv", "--dry-run"]
    command += ["--mapping", str(MAPPING)]
    process = subprocess.Popen(
        command,
        env=environment(data=tmp_path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    # More than a pipe holds: when it is written, the rows are being read.
    process.stdin.write(SAMPLE.read_bytes())
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in errors


@pytest.mark.parametrize("command", [["settings"], ["--help"], ["completion", "bash"]])
@pytest.mark.process
def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path, command: list[str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "cli.main", *command],
            env=environment(data=tmp_path),
            stdout=closed,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""
