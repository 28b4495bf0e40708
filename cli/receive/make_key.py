"""`dossier receive make-key`: a new API key, and what senders.toml keeps of it."""

import secrets

import click

from connectors.portal.access import digest_of


@click.command("make-key")
def command() -> None:
    """Print a new random API key for the sender, and its digest for `api_keys`; the key is kept nowhere."""
    key = secrets.token_urlsafe(32)
    click.echo(f"key     {key}\ndigest  {digest_of(key)}")
