"""`dossier dead-letters show`: one dead letter with its content."""

import sys
from contextlib import closing

import click

from cli.dead_letters.output import content_of, fields_of, print_letter
from cli.dead_letters.selection import PlaceType, letters_at
from cli.settings import Settings
from cli.terminal_escape import print_json
from streams.dead_letters.replay_rules import ADVICE
from streams.dead_letters.table import DeadLetterTable, Place


@click.command("show", short_help="Show one dead letter with its content.")
@click.argument("place", type=PlaceType())
@click.option("--raw", is_flag=True, help="Write the content alone, byte for byte, so that it can be corrected.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_obj
def command(settings: Settings, place: Place, raw: bool, as_json: bool) -> None:
    """Show the dead letter at PLACE with its content, and what to do about it.

    The content may be personal data. Characters that cannot be printed are shown as escapes.
    """
    with closing(DeadLetterTable(settings.clickhouse)) as letters:
        (letter,) = letters_at(letters, (place,))
        content = letters.contents([letter]).get(place, b"")
    if raw:
        if sys.stdout.isatty():
            raise click.UsageError("--raw does not write foreign bytes to a terminal: redirect them with `> FILE`")
        sys.stdout.buffer.write(content)
        sys.stdout.flush()
        return
    advice = ADVICE.get(letter.reason, "This reason is of a later release: upgrade this program.")
    if as_json:
        print_json(fields_of(letter) | content_of(content) | {"advice": advice})
        return
    print_letter(letter, content, advice, settings.profile.zone)
