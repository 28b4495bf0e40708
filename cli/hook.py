"""`dossier hook`: signed JSON over HTTP is mapped to events, which go into the inbox."""

import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click
import uvicorn

from cli.logs import configure
from cli.options import Address
from cli.settings import Settings
from cli.signals import STOP_SIGNALS
from connectors.publishing.kafka_transport import KafkaTransport
from connectors.webhook.app import AT_ONCE, make_app
from connectors.webhook.hooks import load_hooks
from schemas.topics import INBOX
from streams.errors import AddressTaken

_STOP_SECONDS = 20
_CONNECTIONS = 8 * AT_ONCE


class _Server(uvicorn.Server):
    """Ends with exit code 0 after a signal: uvicorn's own would raise the signal again."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End in order at the first signal, at once at the second."""
        before = {number: signal.signal(number, self.handle_exit) for number in STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@click.command("hook")
@click.option(
    "--listen",
    type=Address(),
    default="127.0.0.1:8767",
    show_default=True,
    help="Answer here; TLS is a proxy's matter.",
)
@click.option(
    "--hooks",
    "hooks_file",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="The hooks, with mapping and secrets of each (TOML).",
)
@click.pass_obj
def command(settings: Settings, listen: tuple[str, int], hooks_file: Path) -> None:
    """Receive POST /hook/NAME until stopped: JSON, mapped by the mapping of the hook, put into dossier-inbox.

    A request carries its time and an HMAC-SHA256 of time and body. It is answered with 202 once Kafka has everything,
    so a sender repeats what was answered otherwise: nothing counts twice.

    Exit codes: 0 stopped, 2 wrong hooks or an address that is taken, 3 Kafka is away.
    """
    hooks = load_hooks(hooks_file)
    host, port = listen
    with closing(KafkaTransport(settings.kafka, INBOX)) as inbox:
        configure(settings.log)
        config = uvicorn.Config(
            make_app(hooks, inbox),
            host=host.strip("[]"),
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            limit_concurrency=_CONNECTIONS,
            timeout_graceful_shutdown=_STOP_SECONDS,
        )
        try:
            sockets = [config.bind_socket()]
        except SystemExit as error:
            raise AddressTaken(f"--listen={host}:{port} cannot be listened on: name another address") from error
        _Server(config).run(sockets=sockets)
