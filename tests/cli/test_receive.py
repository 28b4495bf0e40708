"""`dossier receive` as a process: what it acknowledged is on Kafka, whatever happens to it then."""

import io
import json
import shutil
import signal
import ssl
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from kafka import TopicPartition
from msgspec import structs

from connectors.portal.access import Access, digest_of
from connectors.portal.senders import decode_senders
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.envelope import decode
from schemas.events import Event
from schemas.reference.agency import Agency
from schemas.topics import EVENTS
from streams.broker.topic_reader import committed_reader
from streams.storage.clickhouse_client import connect, database
from tests.cli.commands import Run, environment
from tests.cli.test_work import await_, get
from tests.connectors.portal.messages import PERSONAL, TOLD_AT, dossier, progress
from tests.streams.declared import declare_agencies

KEY = "a-key-that-is-long-enough"
OPENSSL = shutil.which("openssl") or "openssl"
SENDERS = f"""
[[senders]]
username = "onestop"
madonvi = "000.00.17.H26"
agencies = ["H26.17"]
api_keys = ["{digest_of(KEY)}"]
"""


def test_a_password_is_hashed_as_the_receiver_checks_it(dossier: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("mật khẩu dài\n".encode())))
    ended = dossier("receive", "hash-password")
    assert ended.code == 0
    text = f'[[senders]]\nusername = "a"\nmadonvi = "1"\nagencies = ["H26"]\npassword_hash = "{ended.out.strip()}"\n'
    access = Access(decode_senders(text.encode(), Path("senders.toml")))
    assert access.by_session(access.login("a", "mật khẩu dài")).madonvi == "1"


def test_a_key_and_its_digest(dossier: Run) -> None:
    first, second = (dossier("receive", "make-key").out.split() for _ in range(2))
    assert digest_of(first[1]) == first[3]
    assert first[1] != second[1]


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ([], "--listen and --senders are needed"),
        (["--listen", "127.0.0.1:1", "--senders", "{file}", "--client-ca", "{file}"], "--client-ca needs them"),
        (["--listen", "127.0.0.1:1", "--senders", "{file}"], "there is no [[senders]]"),
    ],
)
def test_wrong_usage(dossier: Run, tmp_path: Path, arguments: list[str], reason: str) -> None:
    file = tmp_path / "senders.toml"
    file.write_text("senders = []")
    ended = dossier("receive", *(each.format(file=file) for each in arguments))
    assert ended.code == 2
    assert reason in ended.err


class Process:
    """A receiver that was started, and what it is asked."""

    def __init__(
        self, folder: Path, ports: tuple[int, int], variables: dict[str, str], context: ssl.SSLContext | None
    ) -> None:
        self.log = folder / "receive.log"
        (folder / "senders.toml").write_text(SENDERS)
        port, self.metrics_port = ports
        listening = ["--listen", f"127.0.0.1:{port}", "--metrics", f"127.0.0.1:{self.metrics_port}"]
        if context is not None:
            listening += ["--certificate", str(folder / "server.pem"), "--key", str(folder / "server.key")]
            listening += ["--client-ca", str(folder / "ca.pem")]
        with self.log.open("a") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "cli.main", "receive", *listening, "--senders", folder / "senders.toml"],
                env=environment(data=folder, log="json", **variables),
                stderr=output,
                text=True,
            )
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{port}"
        self.context = context or ssl.create_default_context()

    def answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/openapi.json", verify=self.context).status_code == 200
        except httpx.TransportError:
            return False

    def post(self, service: str, data: list[Any], **more: str) -> httpx.Response:
        body = {"service": service, "madonvi": "000.00.17.H26", "isUpdating": "True", "data": data, **more}
        headers = {"X-Api-Key": KEY}
        return httpx.post(f"{self.url}/sync", json=body, headers=headers, timeout=60, verify=self.context)

    def metrics(self) -> str:
        return get(self.metrics_port, "/metrics") or ""


@contextmanager
def receiving(
    folder: Path, ports: tuple[int, int], variables: dict[str, str], context: ssl.SSLContext | None = None
) -> Iterator[Process]:
    """A receiver that is ready; with a client's context, one that takes only holders of certificates."""
    started = Process(folder, ports, variables, context)
    try:
        await_(lambda: get(started.metrics_port, "/ready") is not None, started.process, started.log)
        await_(started.answers, started.process, started.log)
        yield started
    finally:
        started.process.kill()
        started.process.wait()


def certificates(folder: Path) -> ssl.SSLContext:
    """Make an authority and certificates of a server and a client; returns the client's context."""

    def openssl(*arguments: str) -> None:
        subprocess.run([OPENSSL, *arguments], cwd=folder, check=True, capture_output=True)

    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2")
    openssl("req", "-x509", *new, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=authority")
    for name in ("server", "client"):
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-addext", "subjectAltName=IP:127.0.0.1")
        openssl("req", "-x509", *new, *signed, "-keyout", f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}")
    context = ssl.create_default_context(cafile=folder / "ca.pem")
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(folder / "client.pem", folder / "client.key")
    return context


def published(kafka: KafkaConnection) -> list[Event]:
    """Every event of the topic."""
    with committed_reader(kafka, reset="earliest") as consumer:
        partitions = [TopicPartition(EVENTS, each) for each in consumer.partitions_for_topic(EVENTS)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        left = {partition: end for partition, end in consumer.end_offsets(partitions).items() if end}
        found: list[Event] = []
        while left:
            for partition, records in consumer.poll(timeout_ms=1000).items():
                for record in records:
                    found += [event for _, event in decode(record.value, TOLD_AT.replace(year=2090)).events]
                if records[-1].offset + 1 >= left[partition]:
                    del left[partition]
        return found


@pytest.mark.kafka
@pytest.mark.clickhouse
def test_what_was_acknowledged_outlives_a_kill_and_comes_but_once(
    deployed: dict[str, str],
    kafka: KafkaConnection,
    clickhouse_server: ClickHouseConnection,
    tmp_path: Path,
    two_unused_ports: tuple[int, int],
) -> None:
    clickhouse = structs.replace(clickhouse_server, database=deployed["database"])
    with database(clickhouse) as client:
        declare_agencies(
            client,
            [
                Agency(code="H26", name_vi="Thành phố Hà Nội", level="province"),
                Agency(code="H26.17", name_vi="Sở Xây dựng", parent="H26", level="department"),
            ],
        )
    batch = [dossier(MaHoSo=f"H26.17-260302-{number:04}", KenhThucHien="") for number in range(10)]
    with receiving(tmp_path, two_unused_ports, deployed) as receiver:
        answer = receiver.post("DongBoHoSoMC", [*batch, dossier(MaHoSo=PERSONAL[1])])
        assert answer.status_code == 200
        assert [each["error_code"] for each in answer.json()["result"]] == ["0"] * 10 + ["104"]
        receiver.process.send_signal(signal.SIGKILL)
        receiver.process.wait()
    assert Counter(event.__struct_config__.tag for event in published(kafka)) == {
        "received": 10, "term_set": 10, "digitised": 10, "reopened": 10,
    }  # fmt: skip
    with receiving(tmp_path, two_unused_ports, deployed, certificates(tmp_path)) as receiver:
        stranger = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{receiver.url}/openapi.json", verify=stranger)
        assert receiver.post("DongBoHoSoMC", batch).json()["error_code"] == "0"
        assert receiver.post("CapNhatTienDoHoSoMC", [progress()]).json()["error_code"] == "0"
        assert receiver.post("TraCuuHoSo", [], mahoso="H26.17-260302-0001").json()["result"] == []
        assert 'dossier_receiver_items_total{ended="taken"} 11.0' in receiver.metrics()
        receiver.process.terminate()
        assert receiver.process.wait(60) == 0
    found = published(kafka)
    assert len(found) == 81
    assert len({(event.dossier, event.id) for event in found}) == 41
    client = connect(clickhouse)
    flags = client.execute("SELECT kind, toString(day), count() FROM data_quality FINAL GROUP BY ALL ORDER BY ALL")
    client.disconnect()
    assert flags == [("missing_channel", "2026-03-02", 10)]
    kept = (tmp_path / "rejects" / "portal.jsonl").read_text()
    log = receiver.log.read_text()
    written = [repr(found), kept, log]
    for personal in PERSONAL:
        for text in written:
            assert personal not in text
            assert json.dumps(personal)[1:-1] not in text
    assert '"sender":"onestop","service":"DongBoHoSoMC","status":200,"items":11,"rejects":1' in log


@pytest.mark.kafka
def test_without_a_broker_it_does_not_start(dossier: Run, tmp_path: Path) -> None:
    (tmp_path / "senders.toml").write_text(SENDERS)
    arguments = ["--listen", "127.0.0.1:8766", "--senders", tmp_path / "senders.toml"]
    ended = dossier("receive", *arguments, kafka="127.0.0.1:1", clickhouse="127.0.0.1:1")
    assert ended.code == 3
    assert ended.reason.startswith("no Kafka broker answers at 127.0.0.1:1")
