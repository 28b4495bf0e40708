"""What goes wrong in daily life, one by one: always one line that says what to do, never a traceback."""

import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.cli.commands import AWAY, MAPPING, SAMPLE, Ended, Run, apart

IMPORT = ("import", str(SAMPLE), "--mapping", str(MAPPING))
NOTHING_RUNS = "no platform runs in {data}: start one with `dossier up --data {data}`, or set DOSSIER_"


@pytest.mark.parametrize(
    ("arguments", "service"),
    [
        (IMPORT, "KAFKA"),
        (("simulate", "--events", "1"), "KAFKA"),
        (("migrate",), "KAFKA"),
        (("work",), "KAFKA"),
        (("report",), "CLICKHOUSE"),
        (("audit",), "CLICKHOUSE"),
        (("dead-letters", "list"), "CLICKHOUSE"),
        (("dead-letters", "replay", "--all"), "KAFKA"),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) else value,
)
def test_where_nothing_runs(dossier: Run, tmp_path: Path, arguments: tuple[str, ...], service: str) -> None:
    ended = dossier(*arguments)
    assert ended.code == 3
    assert ended.err == f"dossier: {NOTHING_RUNS.format(data=tmp_path / 'data')}{service} to host:port\n"


def test_status_where_nothing_runs(dossier: Run, tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert dossier("status") == (3, f"nothing runs in {data}: `dossier up --data {data}` starts it\n", "")


@pytest.mark.parametrize("detach", [[], ["--detach"]])
def test_a_file_where_the_data_directory_should_be(dossier: Run, tmp_path: Path, detach: list[str]) -> None:
    (tmp_path / "file").write_text("")
    ended = dossier("up", "--data", tmp_path / "file", *detach)
    assert ended.code == 2
    assert str(tmp_path / "file") in ended.reason
    assert "Traceback" not in ended.reason


def test_a_place_below_a_file(dossier: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = dossier("up", "--data", tmp_path / "file" / "data")
    assert ended.code == 2
    assert ended.reason.startswith(str(tmp_path / "file"))
    assert ended.reason.endswith("cannot be used: Not a directory")


@pytest.mark.platform
def test_a_port_that_is_taken(dossier: Run, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        ended = dossier("up", "--data", tmp_path / "data", "--kafka-port", str(port))
    assert ended.code == 2
    assert ended.reason == f"port {port} is in use: stop what holds it, or choose another with --kafka-port"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('terms = "week"', "terms = 'week': "),
        ('time_zone = "Hanoi"', "time_zone = 'Hanoi' is not a zone"),
        ("terms = 3", "terms = 3: "),
        ('term = "date"', "'term' = 'date' is not known; the keys are time_zone, terms"),
        ("terms", ""),
    ],
)
@pytest.mark.parametrize("arguments", [("report",), ("migrate",), ("up",), ("work",)], ids=lambda value: value[0])
def test_a_profile_that_is_wrong(
    dossier: Run, tmp_path: Path, arguments: tuple[str, ...], text: str, said: str
) -> None:
    profile = tmp_path / "own.toml"
    profile.write_text(text)
    ended = dossier(*arguments, profile=profile, kafka=AWAY, clickhouse=AWAY)
    assert ended.code == 2
    assert ended.reason.startswith(f"{profile}: {said}")
    assert ended.reason.endswith("see docs/operator.md, “Profile”")


def test_a_profile_that_is_wrong_in_the_data_directory(dossier: Run, tmp_path: Path) -> None:
    """The directory that is told counts, whatever is in that of the environment."""
    for name in ("data", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other" / "profile.toml").write_text('terms = "week"')
    ended = dossier("up", "--data", tmp_path / "other")
    assert ended.code == 2
    assert ended.reason.startswith(f"{tmp_path / 'other' / 'profile.toml'}: terms = 'week': ")


def test_a_wrong_profile_is_not_kept(dossier: Run, tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('terms = "week"')
    ended = dossier("up", "--data", tmp_path / "data", "--profile", tmp_path / "own.toml")
    assert ended.code == 2
    assert ended.reason.startswith(f"{tmp_path / 'own.toml'}: terms = 'week': ")
    assert not (tmp_path / "data" / "profile.toml").exists()


def test_a_mapping_that_is_not_there(dossier: Run, tmp_path: Path) -> None:
    ended = dossier("import", SAMPLE, "--mapping", tmp_path / "none.toml", kafka=AWAY)
    assert ended.code == 2
    assert str(tmp_path / "none.toml") in ended.reason


def test_a_file_that_is_not_there(dossier: Run, tmp_path: Path) -> None:
    ended = dossier("import", tmp_path / "none.csv", "--mapping", MAPPING, kafka=AWAY)
    assert ended.code == 2
    assert str(tmp_path / "none.csv") in ended.reason


AWAY_FROM: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("kafka", "import"): IMPORT,
    ("kafka", "simulate"): ("simulate", "--events", "1"),
    ("kafka", "migrate"): ("migrate",),
    ("kafka", "work"): ("work",),
    ("clickhouse", "migrate"): ("migrate",),
    ("clickhouse", "work"): ("work",),
    ("clickhouse", "report"): ("report",),
    ("clickhouse", "audit"): ("audit",),
}
"""Commands by the service that is away when they are run."""


@pytest.fixture(scope="module")
def met(
    deployed: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Future[Ended]]]:
    """How each of them ends. It waits a few seconds for the service, so all of them do at once."""
    data = tmp_path_factory.mktemp("data")
    with ThreadPoolExecutor(len(AWAY_FROM)) as beside:
        yield {
            key: beside.submit(apart, *arguments, data=data, **deployed | {key[0]: AWAY})
            for key, arguments in AWAY_FROM.items()
        }


@pytest.mark.kafka
@pytest.mark.clickhouse
@pytest.mark.parametrize("key", AWAY_FROM, ids="-".join)
def test_a_service_that_is_away(met: dict[tuple[str, str], Future[Ended]], key: tuple[str, str]) -> None:
    ended = met[key].result()
    assert ended.code == 3
    assert f" at {AWAY} " in ended.reason
    assert "start it" in ended.reason
    assert f"DOSSIER_{key[0].upper()}" in ended.reason
