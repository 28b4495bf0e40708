"""The documents name only what exists, and everything a reader must know is named."""

import ast
import html
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml
from msgspec import structs

from chaos.outcome import COLUMNS
from chaos.runner import PURE, SCENARIOS
from cli.variables import VARIABLES
from deploy.embedded.clickhouse.users import DEFAULT_USERS
from grafana.thresholds import FIGURES
from schemas.connection import ClickHouseConnection
from schemas.counters import COUNTERS
from schemas.distortion import DISTORTIONS
from schemas.events import KINDS, PAYLOAD_FIELDS
from schemas.reader_access import LIMITS, dictionary_statements, names_statements, reader_statements
from schemas.reference.agency import Agency
from schemas.reference.procedure import ProcedureVersion
from schemas.tables import DICTIONARIES, REFRESHES, TABLES, VIEWS
from schemas.topics import declared
from schemas.working_time.day_rule import DayRule
from streams.monitoring.metrics import AUDIT, RECEIVER, ROUTER, WORKER
from streams.on_time.history import History
from streams.on_time.period import InPeriod
from streams.on_time.rules import Rule
from streams.on_time.verdicts import Verdict
from streams.storage.clickhouse_client import connect
from tests import picture
from tests.cli.commands import all_commands

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "samples" / "README.md"])
TEXTS = {page: page.read_text() for page in PAGES}
EVERYTHING = "\n".join(TEXTS.values())
COMMANDS = all_commands()
TOPICS = {topic.name for topic in declared(1, 1)}
FOLDERS = {path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith(".")} - {"data"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", TEXTS[page]):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    # In code spans and code blocks; `schemas/migrations/…sql` and the like name any file of a kind.
    for name in re.findall(r"(?<![\w/.…~-])((?:\w+/)+[\w.-]*\w|(?:\w+/)+)(?![\w…<*])", TEXTS[page]):
        if name.split("/")[0] in FOLDERS:
            assert (ROOT / name).exists(), f"{page.name} names {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_headings_that_links_name_exist(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#]*)#([^)]+)\)", TEXTS[page]):
        text = TEXTS[(page.parent / target).resolve() if target else page]
        anchors = {
            re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in re.findall(r"^#+ (.*)$", text, re.M)
        }
        assert heading in anchors, f"{page.name} links to {target}#{heading}"


def test_every_page_is_in_the_readme() -> None:
    for page in PAGES:
        if page.name != "README.md":
            assert f"]({page.relative_to(ROOT)})" in TEXTS[ROOT / "README.md"], page.name


def test_the_picture_of_the_wallboard_is_up_to_date_and_shows_every_figure_whole() -> None:
    drawn = picture.FILE.read_text()
    assert drawn == picture.picture(), "run `python -m tests.picture`"
    shown = html.unescape(drawn).replace("\xa0", " ")
    for figure in FIGURES:
        assert figure.vietnamese in shown
        assert figure.english in shown
    assert "http" not in drawn.replace("http://www.w3.org/2000/svg", "").replace("https://www.textualize.io", "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_commands_and_options_exist(page: Path) -> None:
    for name, rest in re.findall(r"`(?:\.venv/bin/)?dossier ([a-z][a-z-]*)([^`]*)`", TEXTS[page]):
        command = COMMANDS.get(name)
        assert command is not None, f"{page.name} names dossier {name}"
        if isinstance(command, click.Group) and rest:
            inner = rest.split()[0]
            assert inner in command.commands, f"{page.name} names dossier {name} {inner}"
            command = command.commands[inner]
        options = {option for parameter in command.params for option in parameter.opts}
        for option in re.findall(r"--[a-z-]+", rest):
            assert option in options | {"--help"}, f"{page.name} names dossier {name} {option}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_modules_exist_and_have_their_options(page: Path) -> None:
    for name, rest in re.findall(r"python -m ([a-z][\w.]*)([^`\n#]*)", TEXTS[page]):
        path = ROOT / name.replace(".", "/")
        file = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
        assert file.exists(), f"{page.name} names {name}"
        for option in re.findall(r" (--[a-z-]+)", rest):
            assert f'"{option}' in file.read_text(), f"{page.name} names {name} {option}"


def test_every_command_is_explained_to_operators() -> None:
    page = TEXTS[ROOT / "docs" / "operator.md"]
    for name in COMMANDS:
        assert f"`dossier {name}`" in page


def test_variables_are_those_that_are_read() -> None:
    assert set(re.findall(r"DOSSIER_[A-Z_]+", EVERYTHING)) == set(VARIABLES)


def test_make_targets_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"(?:^|`)make ([a-z-]+)", EVERYTHING, re.M))
    assert {"demo", "test", "check", "chaos"} <= targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.M), f"make {target}"


@pytest.mark.slow
def test_every_message_in_troubleshooting_is_one_of_the_program() -> None:
    """Each part between the ellipses stands, in this order, in one text of the program."""
    messages = re.findall(
        r"^\| (?!Message|-)([^|]+) \| [^|]+ \| [^|]+ \|$", TEXTS[ROOT / "docs/troubleshooting.md"], re.M
    )
    texts = list(program_texts())
    assert len(messages) > 10
    for message in messages:
        parts = message.partition(", or ")[0].split("…")
        pattern = re.compile(".*".join(re.escape(part.strip()) for part in parts))
        assert any(map(pattern.search, texts)), f"no text of the program says: {message}"


def program_texts() -> Iterator[str]:
    """The texts in the code of streams and cli; what is filled in is left out."""
    for file in (*ROOT.glob("streams/**/*.py"), *ROOT.glob("cli/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                yield "".join(str(part.value) if isinstance(part, ast.Constant) else " " for part in node.values)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_topics_tables_views_and_counters_exist() -> None:
    names = TOPICS | {table.name for table in TABLES} | {*DICTIONARIES, *VIEWS, *REFRESHES} | set(COUNTERS) | set(KINDS)
    for name in re.findall(r"`(dossier-[a-z-]+)`", EVERYTHING):
        assert name in TOPICS
    analyst = TEXTS[ROOT / "docs" / "analyst.md"]
    for name in re.findall(r"^\| `(\w+)` \|", analyst, re.M):
        assert name in names, f"analyst.md names {name}"
    for name in (*VIEWS, *DICTIONARIES):
        assert f"| `{name}` |" in analyst
    for topic in TOPICS:
        assert f"| `{topic}` |" in TEXTS[ROOT / "docs" / "operator.md"]


def test_every_distortion_is_explained_by_its_own_words() -> None:
    explained = dict(
        re.findall(r"^\| `(\w+)` \| (.*) \|$", TEXTS[ROOT / "docs" / "receiver.md"].split("## Flags")[1], re.M)
    )
    assert explained == DISTORTIONS


def test_every_name_in_the_glossary_exists() -> None:
    columns = {column for table in TABLES for column in table.columns}
    fields = {field for of_kind in PAYLOAD_FIELDS.values() for field in of_kind}
    shown = set(re.findall(r" AS (\w+)", (ROOT / "schemas" / "views" / "dossiers.sql").read_text()))
    reference = {*Agency.__struct_fields__, *ProcedureVersion.__struct_fields__, *DayRule.__struct_fields__}
    judged = {name for struct in (History, Rule, Verdict, InPeriod) for name in struct.__struct_fields__}
    names = columns | fields | shown | reference | judged | set(KINDS) | set(COUNTERS) | set(VIEWS)
    rows = re.findall(r"^\| [^|]+ \| [^|]+ \| (`[^|]+) \| [^|]+ \|$", TEXTS[ROOT / "docs" / "glossary.md"], re.M)
    assert len(rows) > 40
    for row in rows:
        for name in re.findall(r"`(\w+)`", row):
            assert name in names, f"glossary.md names {name}"


def test_every_kind_of_event_and_every_counter_is_in_the_glossary_once() -> None:
    for name in {*KINDS, *COUNTERS}:
        assert TEXTS[ROOT / "docs" / "glossary.md"].count(f"`{name}`") == 1, name


@pytest.mark.clickhouse
def test_the_analysts_queries_run(clickhouse: ClickHouseConnection, clickhouse_reader: ClickHouseConnection) -> None:
    client = connect(structs.replace(clickhouse_reader, database=clickhouse.database))
    pages = (TEXTS[ROOT / "docs" / name] for name in ("analyst.md", "receiver.md"))
    queries = [query for page in pages for query in re.findall(r"```sql\n(.*?)```", page, re.S)]
    assert queries
    for query in queries:
        assert client.execute(query) == []
    client.disconnect()


def test_the_data_source_is_read_only_and_holds_no_secret() -> None:
    (source,) = yaml.safe_load((ROOT / "grafana/provisioning/datasources/dossiers.yaml").read_text())["datasources"]
    (user,) = [user for user in DEFAULT_USERS if user.name == source["jsonData"]["username"]]
    assert user.reads_only
    # Grafana puts what stands in its environment in place of the name.
    assert source["secureJsonData"] == {"password": "$CLICKHOUSE_PASSWORD"}
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,40}", source["uid"])


def test_a_real_server_gets_the_reader_that_the_embedded_one_has() -> None:
    page = TEXTS[ROOT / "docs" / "monitoring.md"]
    assert ";\n".join(reader_statements("dossiers", "a-long-password")) in page
    for statements in (dictionary_statements("dossiers"), names_statements("dossiers")):
        assert ";\n".join(statements) in page
    for name, most in LIMITS.items():
        assert name in page
        assert f"MAX {most} " in page


def test_the_table_of_a_full_run_has_every_scenario() -> None:
    page = TEXTS[ROOT / "docs" / "reliability.md"]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines()]
    told = {row[0]: row[1:] for row in rows if len(row) == len(COLUMNS) + 2}
    for name in (*PURE, *SCENARIOS):
        runs, _, *wrong, _ = told[name]
        assert int(runs.replace(",", "")) > 0
        assert set(wrong) == {"0"}, name


def test_every_dependency_is_accounted_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    page = TEXTS[ROOT / "docs" / "architecture.md"]
    for dependency in project["dependencies"]:
        name = re.split(r"[\[<>=]", dependency)[0]
        assert re.search(rf"\b{re.escape(name)}\b", page), f"architecture.md does not say why {name} is there"


def test_what_ci_runs_is_named_where_people_look_for_it() -> None:
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    first, *others = [line for line in lines if line.startswith("make ")]
    assert f"\n{first} " in TEXTS[ROOT / "README.md"]
    for command in others:
        assert f"`{command}`" in TEXTS[ROOT / "CONTRIBUTING.md"]


def test_help_of_every_command_says_what_it_does() -> None:
    inner = {
        f"{name} {each}": command
        for name, group in COMMANDS.items()
        if isinstance(group, click.Group)
        for each, command in group.commands.items()
    }
    for name, command in (COMMANDS | inner).items():
        assert command.help, name
        assert isinstance(command, click.Command)
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help, f"dossier {name} {parameter.opts}"


def test_every_metric_is_explained_by_its_own_words_and_no_other() -> None:
    rows = re.findall(
        r"^\| `((?:dossier|process)_\w+)` \| (.*?) ?\| (.*) \|$", TEXTS[ROOT / "docs" / "monitoring.md"], re.M
    )
    explained = {name: (tuple(re.findall(r"`(\w+)`", labels)), words) for name, labels, words in rows}
    assert len(explained) == len(rows)
    measured = (*WORKER, *AUDIT, *ROUTER, *RECEIVER)
    assert explained == {metric.name: (metric.labels, metric.help) for metric in measured}
