"""`dossier dead-letters`: lines that could not be counted are listed, shown, replayed or discarded."""

import click

from cli.dead_letters import discard, list, replay, show  # noqa: A004  # named after the commands


@click.group("dead-letters", commands=[list.command, show.command, replay.command, discard.command])
def command() -> None:
    """List, show, replay or discard dead letters: lines that could not be counted.

    A dead letter is open until it is replayed or discarded. PLACE is where its line stands in the topic:
    partition@offset:line.
    """
