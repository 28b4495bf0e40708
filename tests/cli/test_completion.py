"""`dossier completion`, and what a shell gets by it."""

import shutil
import subprocess
import sys

import pytest

from tests.cli.commands import Run, environment

SHELLS = {"bash": ["bash", "-n"], "zsh": ["zsh", "-n"], "fish": ["fish", "--no-execute"]}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.process
def test_completion_is_something_that_the_shell_accepts(dossier: Run, shell: str) -> None:
    ended = dossier("completion", shell)
    assert ended.code == 0
    assert "_DOSSIER_COMPLETE" in ended.out
    assert "dossier" in ended.out
    if shutil.which(shell):
        checked = subprocess.run(SHELLS[shell], input=ended.out, capture_output=True, text=True, check=False)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.process
def test_completion_knows_commands_and_options() -> None:
    asked = {"_DOSSIER_COMPLETE": "bash_complete", "COMP_WORDS": "dossier import --as", "COMP_CWORD": "2"}
    script = "import sys; sys.argv = ['dossier']; from cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment() | asked, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["plain,--as-of"]
