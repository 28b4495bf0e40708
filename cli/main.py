"""The `dossier` command: its subcommands, and how errors reach a person."""

import logging
import os
import sys

import click

from cli.lazy_group import LazyGroup
from cli.settings import Settings
from cli.terminal_escape import printable
from schemas.errors import DossierError

SECTIONS: dict[str, dict[str, str]] = {
    "Platform": {
        "up": "Start Kafka, ClickHouse and the workers.",
        "status": "Show what runs, and how to connect to it.",
        "down": "Stop the platform.",
        "demo": "Start, import the sample log, show its figures, stop.",
    },
    "Events": {
        "import": "Publish the rows of a file as events.",
        "mapping": "Check a mapping, or try it on a file.",
        "hook": "Receive signed JSON over HTTP, and map it to events.",
        "receive": "Take what one-stop systems send to the portal.",
        "simulate": "Publish made-up events: live traffic or a past period.",
    },
    "Counting": {
        "migrate": "Create or upgrade topics, tables and views.",
        "work": "Run one worker that counts events.",
        "route": "Move events from the inbox to where they are counted.",
        "dead-letters": "List, replay or discard lines that were not counted.",
        "alerts": "List alerts about late dossiers, or send them to a webhook.",
        "rewind": "Set the consumer group's offsets to the stored counts.",
        "rebuild": "Count everything anew from the raw events or the topic.",
    },
    "Reference data": {
        "reference": "Load agencies, procedures and officials, and list them.",
    },
    "Terms": {
        "calendar": "Show the working days of a month, or check them.",
        "terms": "Compute when a term ends, and explain it.",
        "rules": "Show the rules of being on time; compare two.",
    },
    "Figures": {
        "report": "Show the figures of each agency.",
        "watch": "Show the eleven figures of the city, live.",
        "audit": "Recompute every count from the events and report differences.",
        "grafana": "Build, check or publish dashboards and alert rules.",
    },
    "Help": {
        "doctor": "Check everything; say what is wrong and what to do.",
        "settings": "List the settings, and the values in force.",
        "completion": "Print the script for completion in a shell.",
    },
}
"""Every command with its short help, as `dossier --help` shows them. The module of a command is named after it."""


@click.group(
    cls=LazyGroup,
    sections=SECTIONS,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(package_name="dossier-stream", prog_name="dossier")
@click.pass_context
def dossier(context: click.Context) -> None:
    """Exact, live counts of administrative dossiers."""
    context.obj = Settings.from_env(os.environ)


def main() -> None:
    """Run the command line; a known error is one line on standard error and its own exit code, never a traceback."""
    # What goes wrong reaches a person as an error of ours; the libraries' own lines would only repeat it.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        status = dossier.main(standalone_mode=False)
    except click.ClickException as error:
        error.message = printable(error.message)
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        status = 130
    except DossierError as error:
        click.echo(f"dossier: {printable(str(error))}", err=True)
        status = error.exit_code
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
