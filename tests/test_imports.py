import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("cli", "connectors", "deploy", "grafana", "schemas", "streams")

# A file, an import that nobody may add to it, and the contract that it breaks.
FORBIDDEN = [
    ("schemas/nfc.py", "import streams.errors", "Product packages import downwards"),
    ("connectors/files/row.py", "import deploy.errors", "Product packages import downwards"),
    ("streams/storage/epochs.py", "import streams.worker.buffer", "Rooms of streams import downwards"),
    ("streams/alerts/overdue.py", "import streams.reports.report", "Rooms of streams import downwards"),
    ("streams/dead_letters/topic.py", "import streams.routing.batch", "Rooms of streams import downwards"),
    ("streams/routing/batch.py", "import connectors.inbox.event_record", "Product packages import downwards"),
    ("streams/counting/record.py", "import streams.queries", "Rooms of streams import downwards"),
    ("streams/on_time/term.py", "import streams.counting.facts", "Rooms of streams import downwards"),
    ("streams/counting/facts.py", "import clickhouse_driver", "Schemas and counting import no client library"),
    ("streams/counting/batch.py", "import faust", "Schemas and counting import no client library"),
    ("cli/main.py", "import tests.databases", "The product imports no test, benchmark or fault harness"),
    ("deploy/errors.py", "import schemas.tables", "Deploy knows how services are reached"),
    ("grafana/sql_queries.py", "import streams.queries", "Grafana takes of streams only the HTTP client"),
]


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the linter reports about a copy of the product to which every forbidden import was added."""
    copy = tmp_path_factory.mktemp("product")
    shutil.copy(ROOT / "pyproject.toml", copy)
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=lambda folder, names: _not_python(Path(folder), names))
    for file, line, _ in FORBIDDEN:
        path = copy / file
        path.write_text(f"{path.read_text()}\n{line}\n")
    (copy / "streams" / "attic").mkdir()
    (copy / "streams" / "attic" / "__init__.py").touch()
    ended = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo", "--no-cache"],
        cwd=copy,
        env=os.environ | {"COLUMNS": "500"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1, ended.stdout + ended.stderr
    return ended.stdout.partition("Broken contracts\n")[2]


def _not_python(folder: Path, names: list[str]) -> list[str]:
    return [name for name in names if not (folder / name).is_dir() and not name.endswith(".py")]


@pytest.mark.slow
@pytest.mark.parametrize(("file", "line", "contract"), FORBIDDEN)
def test_an_import_that_a_contract_forbids_is_found(linted: str, file: str, line: str, contract: str) -> None:
    importer = file.removesuffix(".py").replace("/", ".")
    imported = line.split()[1].split(".")
    # The linter names packages from outside by their first part.
    known = ".".join(imported) if imported[0] in PACKAGES else imported[0]
    (section,) = [text for text in re.split(r"\n(?=[^\n]+\n-{9,}\n)", linted) if text.startswith(contract)]
    assert f"{importer} -> {known} " in section


@pytest.mark.slow
def test_a_new_room_of_streams_must_be_given_its_place(linted: str) -> None:
    assert "attic" in linted
