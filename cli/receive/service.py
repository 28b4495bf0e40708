"""The receiver as a process: its server, its threads, its metrics, and how it stops."""

import logging
import socket
import ssl
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import uvicorn
from msgspec import Struct

from cli.logs import configure
from cli.receive.counts import StoredCounts
from cli.receive.upkeep import Upkeep
from cli.settings import Settings
from cli.signals import Stop
from connectors.portal.access import Access
from connectors.portal.app import make_app
from connectors.portal.group_commit import GroupCommit
from connectors.portal.limits import Limits
from connectors.portal.receiver import Receiver
from connectors.portal.reject_file import RejectFile
from connectors.portal.senders import Sender
from connectors.publishing.publisher import LIVE, connect
from schemas.distortion import Distortion
from streams.errors import AddressTaken
from streams.http.server import json_page, metrics_page, served
from streams.monitoring import metrics
from streams.monitoring.metrics import RECEIVER, Meters

log = logging.getLogger(__name__)

_STOP_SECONDS = 15
_KAFKA_SECONDS = 10.0


class Listening(Struct, frozen=True):
    """Where the server listens, and with which certificates."""

    address: tuple[str, int]
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None


class Telemetry:
    """What is told to Prometheus and to the log. Any thread may call it."""

    def __init__(self) -> None:
        self._meters = Meters(RECEIVER)
        self.page = self._meters.page

    def answered(self, service: str, status: int, items: int, rejects: int, seconds: float) -> None:
        """A request was answered."""
        self._meters.add(metrics.RECEIVER_REQUESTS, 1, service, str(status))
        self._meters.observe(metrics.RECEIVER_SECONDS, seconds, service)
        for ended, amount in (("taken", items - rejects), ("rejected", rejects)):
            if amount:
                self._meters.add(metrics.RECEIVER_ITEMS, amount, ended)

    def flagged(self, flags: Sequence[Distortion]) -> None:
        """Distortions were flagged."""
        for each in flags:
            self._meters.add(metrics.RECEIVER_FLAGS, 1, each.kind)

    def lost(self, flags: int) -> None:
        """Distortions could not be kept."""
        self._meters.add(metrics.RECEIVER_FLAGS_LOST, flags)

    def trouble(self, what: str, error: Exception) -> None:
        """Something beside the requests failed."""
        self._meters.add(metrics.RECEIVER_TROUBLE, 1)
        log.warning(what, extra={"reason": str(error)})


class _Observer:
    """Passes flags on to the metrics and to the table."""

    def __init__(self, telemetry: Telemetry, upkeep: Upkeep) -> None:
        self._upkeep = upkeep
        self._telemetry = telemetry
        self.on_trouble = telemetry.trouble

    def on_flags(self, flags: Sequence[Distortion]) -> None:
        """Count and keep them."""
        self._telemetry.flagged(flags)
        self._upkeep.add(flags)


def serve(
    settings: Settings,
    listening: Listening,
    senders: Sequence[Sender],
    limits: Limits,
    metrics_address: tuple[str, int] | None,
) -> None:
    """Serve until a signal; requests that are being answered are finished, and what they sent is committed."""
    telemetry, zone = Telemetry(), settings.profile.zone
    names = [each.username for each in senders]
    kafka, clickhouse = settings.kafka, settings.clickhouse
    with ExitStack() as stack:
        commit = GroupCommit(lambda: connect(kafka, LIVE, max_block=_KAFKA_SECONDS), seconds=_KAFKA_SECONDS)
        stack.callback(commit.close)
        # From here on this is a service with a log; errors before are one line for a person.
        configure(settings.log)
        upkeep = stack.enter_context(Upkeep(clickhouse, names, zone, telemetry.trouble, telemetry.lost))
        pages = {
            "/metrics": metrics_page(telemetry.page),
            "/health": json_page(lambda: (True, {"state": "running"})),
            "/ready": json_page(lambda: (upkeep.directory is not None, {"reference": upkeep.directory is not None})),
        }
        if address := metrics_address or settings.metrics:
            stack.enter_context(served(address, "--metrics" if metrics_address else "DOSSIER_METRICS", pages))
        receiver = Receiver(
            Access(senders),
            commit,
            lambda: upkeep.directory,
            StoredCounts(clickhouse, zone),
            RejectFile(settings.data / "rejects" / "portal.jsonl"),
            _Observer(telemetry, upkeep),
            zone,
            limits,
        )
        listener = stack.enter_context(_listener(listening.address))
        # The server hears signals itself, and passes them on to this once it has stopped.
        stack.enter_context(Stop())
        uvicorn.Server(_config(receiver, telemetry, listening, limits)).run(sockets=[listener])


def _listener(address: tuple[str, int]) -> socket.socket:
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host.strip("[]"), port), family=family, backlog=1024)
    except OSError as error:
        raise AddressTaken(
            f"--listen {host}:{port} cannot be listened on: {error.strerror or error}; stop the process that uses it, "
            "or name another address"
        ) from error


def _config(receiver: Receiver, telemetry: Telemetry, listening: Listening, limits: Limits) -> uvicorn.Config:
    return uvicorn.Config(
        make_app(receiver, telemetry.answered),
        ssl_certfile=listening.certificate,
        ssl_keyfile=listening.key,
        ssl_ca_certs=str(listening.client_ca) if listening.client_ca else None,
        ssl_cert_reqs=ssl.CERT_REQUIRED if listening.client_ca else ssl.CERT_NONE,
        log_config=None,
        access_log=False,
        server_header=False,
        # Those beyond it are answered by the application, with Retry-After, unless they are far beyond.
        limit_concurrency=4 * limits.requests,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=_STOP_SECONDS,
        lifespan="off",
        proxy_headers=False,
    )
