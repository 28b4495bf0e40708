"""The `dossier` command in this process, as a shell meets it: arguments and variables in, code and output out."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.main import main
from tests.cli.commands import Ended, Run


@pytest.fixture
def dossier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Runs the command in an empty data directory."""
    for name in [name for name in os.environ if name.startswith("DOSSIER_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DOSSIER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path, **variables: str | Path) -> Ended:
        with monkeypatch.context() as during:
            for name, value in variables.items():
                during.setenv(f"DOSSIER_{name.upper()}", str(value))
            during.setattr("sys.argv", ["dossier", *map(str, arguments)])
            with pytest.raises(SystemExit) as ended:
                main()
        assert isinstance(ended.value.code, int)
        return Ended(ended.value.code, *capfd.readouterr())

    handlers = list(logging.getLogger().handlers)
    yield run
    logging.getLogger().handlers[:] = handlers
