"""`dossier receive`: takes what one-stop systems synchronise with the national portal."""

import ssl
from pathlib import Path

import click

from cli.options import Address
from cli.receive import hash_password, make_key
from cli.receive.service import Listening, serve
from cli.settings import Settings
from connectors.portal.limits import Limits
from connectors.portal.senders import read_senders
from schemas.errors import SettingError

_DEFAULTS = Limits()
_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.group("receive", commands=[hash_password.command, make_key.command], invoke_without_command=True)
@click.option("--listen", type=Address(), help="Where to listen, such as 127.0.0.1:8766.")
@click.option("--senders", "senders_file", type=_FILE, help="Who may send, for which agencies (TOML).")
@click.option(
    "--metrics",
    type=Address(),
    help="Serve /metrics, /health and /ready here.  [default: DOSSIER_METRICS, else nowhere]",
)
@click.option("--certificate", type=_FILE, help="Certificate of this server (PEM): listen with TLS.")
@click.option("--key", type=_FILE, help="Private key of this certificate (PEM).")
@click.option("--client-ca", type=_FILE, help="Take connections only from holders of certificates of this authority.")
@click.option(
    "--max-body",
    type=click.IntRange(1024, 256 << 20),
    default=_DEFAULTS.body,
    show_default=True,
    help="Most bytes of a body.",
)
@click.option(
    "--max-items",
    type=click.IntRange(1, 10_000),
    default=_DEFAULTS.items,
    show_default=True,
    help="Most items at once.",
)
@click.option(
    "--max-requests",
    type=click.IntRange(1, 10_000),
    default=_DEFAULTS.requests,
    show_default=True,
    help="Most requests and connections at once.",
)
@click.pass_context
def command(
    context: click.Context,
    listen: tuple[str, int] | None,
    senders_file: Path | None,
    metrics: tuple[str, int] | None,
    certificate: Path | None,
    key: Path | None,
    client_ca: Path | None,
    max_body: int,
    max_items: int,
    max_requests: int,
) -> None:
    """Take dossiers and progress as one-stop systems send them to the national portal, until stopped.

    What is answered with error_code 0 is on Kafka. Personal data never gets there: only fields that are needed are
    read. Rejected items are answered one by one, and kept, redacted, in the folder `rejects` of the data directory.

    Exit codes: 0 stopped, 2 wrong senders or options, 3 Kafka is away at the start.
    """
    if context.invoked_subcommand is not None:
        return
    if listen is None or senders_file is None:
        raise click.UsageError("--listen and --senders are needed")
    if (certificate is None) != (key is None) or (client_ca is not None and certificate is None):
        raise click.UsageError("--certificate and --key belong together, and --client-ca needs them")
    settings: Settings = context.obj
    _check_certificate(certificate, key)
    listening = Listening(listen, certificate, key, client_ca)
    limits = Limits(body=max_body, items=max_items, requests=max_requests)
    serve(settings, listening, read_senders(senders_file), limits, metrics)


def _check_certificate(certificate: Path | None, key: Path | None) -> None:
    if certificate is None or key is None:
        return
    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise SettingError(f"{certificate} and {key} are no certificate with its key: {error}") from error
