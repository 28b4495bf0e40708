"""The platform with a real broker: what survives which end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.admin import NewTopic

from deploy.embedded.deployment_profile_file import keep_profile
from deploy.embedded.platform import Options, Platform
from deploy.embedded.ports import listens
from deploy.embedded.state_file import read_state
from deploy.embedded.stop import stop_platform
from deploy.embedded.worker_health import health_problem
from deploy.errors import AlreadyRuns, PortTaken, UnusableData
from schemas.connection import KafkaConnection
from streams.http.server import json_page, served

TOPIC = "kept"
PATIENCE_SECONDS = 60
ONLY_KAFKA = Options(clickhouse=False)
WORKER = """
import os, time
from streams.http.server import json_page, served
host, _, port = os.environ["DOSSIER_METRICS"].partition(":")
with served((host, int(port)), "", {path: json_page(lambda: (True, {})) for path in ("/health", "/ready")}):
    time.sleep(600)
"""


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def produce(kafka: KafkaConnection, values: list[bytes]) -> None:
    producer = KafkaProducer(**kafka.options(), acks="all")
    for sent in [producer.send(TOPIC, value) for value in values]:
        sent.get(timeout=PATIENCE_SECONDS)
    producer.close()


def consume(kafka: KafkaConnection, count: int) -> list[bytes]:
    consumer = KafkaConsumer(**kafka.options())
    partition = TopicPartition(TOPIC, 0)
    consumer.assign([partition])
    consumer.seek_to_beginning(partition)
    values: list[bytes] = []
    deadline = time.monotonic() + PATIENCE_SECONDS
    while len(values) < count:
        assert time.monotonic() < deadline
        for records in consumer.poll(timeout_ms=200).values():
            values += [record.value for record in records]
    consumer.close()
    return values


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    # A path that would break whatever is not quoted.
    return tmp_path_factory.mktemp("dữ liệu, của tôi")


@pytest.fixture(scope="module")
def platform(data: Path) -> Iterator[Platform]:
    with Platform(data, ONLY_KAFKA) as platform:
        admin = KafkaAdminClient(**platform.kafka_access.options())
        admin.create_topics([NewTopic(TOPIC, 1, 1)])
        admin.close()
        yield platform


@pytest.mark.kafka
def test_its_state_file_says_where_everything_is(platform: Platform, data: Path) -> None:
    state = read_state(data)
    assert state
    assert (state.state, state.kafka, state.supervisor) == ("ready", platform.kafka, os.getpid())
    assert [(each.name, each.state, each.address) for each in state.processes] == [("kafka", "ready", platform.kafka)]
    assert Path(state.processes[0].log).stat().st_size > 0


@pytest.mark.kafka
def test_a_data_directory_has_one_platform(platform: Platform, data: Path) -> None:
    with pytest.raises(AlreadyRuns, match=r"a platform runs in .* already: `dossier down --data .*` stops it"):
        Platform(data, ONLY_KAFKA).__enter__()
    state = read_state(data)
    assert state
    assert state.kafka == platform.kafka


@pytest.mark.kafka
def test_a_given_port_in_use_is_one_clear_line(platform: Platform, tmp_path: Path) -> None:
    port = int(platform.kafka.rpartition(":")[2])
    with pytest.raises(PortTaken, match=rf"port {port} is in use: .* choose another with --kafka-port"):
        Platform(tmp_path, Options(clickhouse=False, kafka_port=port)).__enter__()
    assert read_state(tmp_path) is None


@pytest.mark.kafka
def test_records_survive_a_killed_broker_and_a_new_platform(data: Path, platform: Platform) -> None:
    first, second = [b"%d" % n for n in range(500)], [b"after %d" % n for n in range(500)]
    address = platform.kafka
    access = platform.kafka_access
    produce(access, first)
    broker = platform.state.processes[0].pid
    assert broker
    os.kill(broker, signal.SIGKILL)
    until(lambda: platform.state.processes[0].restarts == 1 and platform.state.state == "ready")
    assert platform.state.processes[0].reason.startswith("killed by SIGKILL")
    assert consume(access, 500) == first
    produce(access, second)
    platform.close()
    assert read_state(data) is None
    with Platform(data, ONLY_KAFKA) as again:
        assert again.kafka == address
        assert consume(again.kafka_access, 1000) == first + second


@pytest.mark.kafka
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_killed_supervisor_leaves_no_process_and_a_directory_that_starts_again(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from deploy.embedded.platform import Options, Platform
with Platform(Path({str(tmp_path)!r}), Options(clickhouse=False)) as platform:
    print("ready", flush=True)
    platform.wait()
"""
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout
    assert supervisor.stdout.readline() == "ready\n"
    children = psutil.Process(supervisor.pid).children(recursive=True)
    state = read_state(tmp_path)
    assert state
    assert [child.pid for child in children] == [each.pid for each in state.processes]
    supervisor.kill()
    supervisor.communicate()
    psutil.wait_procs(children, timeout=PATIENCE_SECONDS)
    assert not [child for child in children if child.is_running()]
    assert read_state(tmp_path) is None
    with Platform(tmp_path, ONLY_KAFKA) as again:
        assert again.kafka == state.kafka


@pytest.mark.parametrize("path", ["/proc/dossier", "{tmp}/file", "{tmp}/file/below"])
def test_a_place_that_is_no_data_directory_is_one_line(tmp_path: Path, path: str) -> None:
    (tmp_path / "file").write_text("")
    data = Path(path.format(tmp=tmp_path))
    with pytest.raises(UnusableData) as caught:
        Platform(data, ONLY_KAFKA).__enter__()
    assert str(data) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_to_stop_is_no_error(tmp_path: Path) -> None:
    assert not stop_platform(tmp_path)
    assert not stop_platform(tmp_path / "missing")


def test_a_profile_is_kept_and_not_replaced_by_another(tmp_path: Path) -> None:
    data, one, other = tmp_path / "data", tmp_path / "one.toml", tmp_path / "other.toml"
    data.mkdir()
    one.write_text("a = 1\n")
    other.write_text("a = 2\n")
    keep_profile(one, data)
    keep_profile(one, data)
    with pytest.raises(UnusableData, match=rf"{other} differs from {data}/profile.toml"):
        keep_profile(other, data)
    assert (data / "profile.toml").read_text() == "a = 1\n"


@pytest.mark.loopback
def test_a_worker_is_unhealthy_when_it_says_so_or_does_not_answer(unused_port: int) -> None:
    assert health_problem(unused_port) == ""
    well = [True]
    with served(("127.0.0.1", unused_port), "", {"/health": json_page(lambda: (well[0], {"state": "so"}))}):
        assert health_problem(unused_port) == ""
        well[0] = False
        assert health_problem(unused_port) == '{"state":"so"}'
    with socket.create_server(("127.0.0.1", unused_port)):
        assert health_problem(unused_port) == "its /health does not answer"


@pytest.mark.platform
def test_every_socket_listens_on_the_loopback_interface_alone(tmp_path: Path) -> None:
    command = (sys.executable, "-c", WORKER)
    options = Options(workers=2, worker=lambda _: command, worker_ready=lambda _: True, services={"router": command})
    with Platform(tmp_path, options) as platform:
        assert platform.state.processes[-1].name == "router"
        until(lambda: all(listens(int(each.address.rpartition(":")[2])) for each in platform.state.processes))
        listening = {
            each.name: {
                (connection.laddr.ip, connection.laddr.port)
                for process in (psutil.Process(each.pid), *psutil.Process(each.pid).children(recursive=True))
                for connection in process.net_connections("inet")
                if connection.status == psutil.CONN_LISTEN
            }
            for each in platform.state.processes
        }
    assert {name: len(sockets) for name, sockets in listening.items()} == {
        "clickhouse": 1,
        "kafka": 2,
        "worker-1": 1,
        "worker-2": 1,
        "router": 1,
    }
    hosts = {host.removeprefix("::ffff:") for sockets in listening.values() for host, _ in sockets}
    assert hosts == {"127.0.0.1"}
