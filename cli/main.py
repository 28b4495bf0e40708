"""The `dossier` command: its subcommands, and how errors reach a person."""

import os
import sys
from importlib.metadata import version

import click

from cli.migrating import migrate_command
from cli.settings import Settings
from cli.working import work
from schemas.errors import DossierError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(version("dossier-stream"), prog_name="dossier")
@click.pass_context
def dossier(context: click.Context) -> None:
    """Exact, live counts of administrative dossiers."""
    context.obj = Settings.from_env(os.environ)


for command in (migrate_command, work):
    dossier.add_command(command)


def main() -> None:
    """Run the command line; a known error is one line on standard error and its own exit code, never a traceback."""
    try:
        status = dossier.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        status = 130
    except DossierError as error:
        click.echo(f"dossier: {error}", err=True)
        status = error.exit_code
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
