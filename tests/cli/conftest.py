"""The `dossier` command in this process, as a shell meets it: arguments and variables in, code and output out."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from cli.main import main
from schemas.connection import KafkaConnection
from streams.broker.group import members
from tests.broker import delete_topics, make_deployment
from tests.cli.commands import Ended, Run, environment, named
from tests.databases import Databases


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


@pytest.fixture(scope="module")
def deployed(kafka: KafkaConnection, databases: Databases) -> Iterator[dict[str, str]]:
    """The variables of a migrated deployment without a worker, shared by the tests of a file."""
    with databases.lend() as plan:
        make_deployment(structs.replace(plan, kafka=kafka))
        yield named(kafka, plan.clickhouse)
        delete_topics(kafka)


@pytest.fixture
def worker(deployed: dict[str, str], kafka: KafkaConnection, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker of the deployment, which has joined its group."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cli.main", "work", "--name", "test-worker"],
        env=environment(data=tmp_path, **deployed),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        deadline = time.monotonic() + 60
        joined = False
        while not joined:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.1)
            joined = "test-worker" in members(kafka)
        yield process
    finally:
        process.kill()
        process.communicate()
