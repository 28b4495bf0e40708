"""`dossier receive hash-password`: what senders.toml keeps of a password."""

import click

from connectors.portal.access import hash_password

_SHORTEST = 8


@click.command("hash-password")
def command() -> None:
    """Read a password from standard input, and print its hash for `password_hash`; a terminal asks for it unseen."""
    stream = click.get_text_stream("stdin")
    if stream.isatty():
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    else:
        password = stream.readline().rstrip("\r\n")
    if len(password) < _SHORTEST:
        raise click.UsageError(f"the password has fewer than {_SHORTEST} characters")
    click.echo(hash_password(password))
