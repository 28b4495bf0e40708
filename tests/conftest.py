"""What all tests share: the real services, started once when a test asks for them, and no network for the others."""

import gc
import os
import signal
import socket
import subprocess
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from msgspec import structs

from cli.signals import STOP_SIGNALS
from deploy.embedded.generated_secrets import FOLDER, read_secrets
from deploy.embedded.platform import Options, Platform
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.reader_access import READER
from streams.storage.deployment_plan import Plan
from tests.databases import Databases
from tests.selection import holds_nothing
from tests.thorough import IS_THOROUGH

# What CI runs must not hang on chance; at a desk, new examples are tried every time; `make chaos` tries many.
settings.register_profile("desk", deadline=None, max_examples=10)
settings.register_profile("ci", deadline=None, max_examples=10, derandomize=True)
settings.register_profile("thorough", deadline=None, max_examples=200)
settings.load_profile("thorough" if IS_THOROUGH else "ci" if os.environ.get("CI") else "desk")

SERVICES = ("clickhouse", "kafka", "platform", "loopback")


# kafka-python forgets a socket that it is just connecting when it is closed, or when its server is gone.
ORPHAN = r"ignore:unclosed <socket\.socket :ResourceWarning"


LONGEST = (
    "chaos/test_scenarios.py",
    "chaos/test_scenarios_repaired.py",
    "streams/rebuild/test_rebuild.py",
    "test_rebuilding.py",
    "test_end_to_end.py",
    "bench/test_regression_gate.py",
)
"""Files that take minutes. They come first and in turns, so that no process ends with one of them while others wait."""


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Files of which the marker expression takes nothing are not read."""
    expression: str = config.getoption("markexpr")
    if not expression or not collection_path.match("test_*.py"):
        return None
    return holds_nothing(expression, collection_path.read_text()) or None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files come first: at the end the other processes would wait for one.

    Tests that stop or kill servers bear what Kafka's client leaves then.
    """
    order = {Path(__file__).parent / name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path, len(order)))
    for item in items:
        if item.get_closest_marker("kafka") or item.get_closest_marker("platform"):
            item.add_marker(pytest.mark.filterwarnings(ORPHAN))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """What a test of Kafka leaves to the garbage collector is collected before the next, which does not bear it.

    That is behind all fixtures and plugins: the test's log holds errors, and those hold sockets.
    """
    try:
        return (yield)
    finally:
        if item.get_closest_marker("kafka") or item.get_closest_marker("platform"):
            gc.collect()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collecting makes a million objects that stay: the cycle collector would take a third of its time for nothing."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def signals_are_heard() -> None:
    """Tests and what they start hear signals, also where `nohup`, or a script with `&`, had them ignored."""
    ignored = [number for number in STOP_SIGNALS if signal.getsignal(number) == signal.SIG_IGN]
    if ignored and os.getpgrp() != os.getpid():
        # A terminal that is closed or interrupted means its foreground, which this is not.
        os.setpgid(0, 0)
    for number in ignored:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


class Allowed:
    """What the running test may do; fixtures that it shares with others may do everything."""

    connections = True
    processes = True


@pytest.fixture(autouse=True, scope="session")
def connections_and_processes_are_heard() -> Iterator[None]:
    """Whoever opens a connection or starts a process in a test that may not fails it; the same for all tests."""
    connect, connect_ex, start = socket.socket.connect, socket.socket.connect_ex, subprocess.Popen.__init__

    def connecting(one: socket.socket, *arguments: Any) -> None:
        if not Allowed.connections:
            pytest.fail(f"a test without a marker opens a connection: {arguments}")
        connect(one, *arguments)

    def connecting_ex(one: socket.socket, *arguments: Any) -> int:
        if not Allowed.connections:
            pytest.fail(f"a test without a marker opens a connection: {arguments}")
        return connect_ex(one, *arguments)

    def starting(process: Any, *arguments: Any, **named: Any) -> None:
        if not Allowed.processes:
            pytest.fail(f"a test without a marker starts a process: {arguments}")
        start(process, *arguments, **named)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", connecting)
        patch.setattr(socket.socket, "connect_ex", connecting_ex)
        patch.setattr(subprocess.Popen, "__init__", starting)
        yield


@pytest.fixture(autouse=True)
def only_this_process(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test without a marker that opens a connection or starts a process fails, even where the code swallows it.

    A process costs more than a hundred tests of a rule.
    """
    markers = {marker.name for marker in request.node.iter_markers()}
    Allowed.connections = not markers.isdisjoint(SERVICES)
    Allowed.processes = Allowed.connections or "process" in markers
    yield
    Allowed.connections = Allowed.processes = True


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaConnection]:
    """A real broker, without topics."""
    with Platform(tmp_path_factory.mktemp("kafka"), Options(clickhouse=False)) as platform:
        yield platform.kafka_access


@pytest.fixture(scope="session")
def clickhouse_platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform of a real ClickHouse engine alone."""
    options = Options(kafka=False, readable=("test_*", "grafana_*"))
    with Platform(tmp_path_factory.mktemp("clickhouse"), options) as platform:
        yield platform


@pytest.fixture(scope="session")
def clickhouse_server(clickhouse_platform: Platform) -> ClickHouseConnection:
    """Its ClickHouse, as its owner; the connection names no database of ours."""
    return structs.replace(clickhouse_platform.clickhouse_access, database="")


@pytest.fixture(scope="session")
def clickhouse_reader(clickhouse_platform: Platform) -> ClickHouseConnection:
    """The same as a reader, who sees the databases of tests."""
    secrets = read_secrets(clickhouse_platform.data / FOLDER)
    return secrets.clickhouse_at(clickhouse_platform.clickhouse, READER, "")


@pytest.fixture(scope="session")
def databases(clickhouse_server: ClickHouseConnection) -> Databases:
    """Migrated databases of it, which tests take in turns."""
    return Databases(clickhouse_server)


@pytest.fixture
def plan(databases: Databases) -> Iterator[Plan]:
    """A deployment with a database of its own, migrated, by the default rules; it names no broker."""
    with databases.lend() as plan:
        yield plan


@pytest.fixture
def clickhouse(plan: Plan) -> ClickHouseConnection:
    """A database of the test's own, migrated and empty."""
    return plan.clickhouse


@pytest.fixture
def unused_port() -> int:
    """A port on which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.fixture
def two_unused_ports() -> tuple[int, int]:
    """Two ports on which nothing listens; the one behind an unused port may well be used."""
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as two:
        return one.getsockname()[1], two.getsockname()[1]
