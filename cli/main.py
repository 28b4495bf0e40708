"""The `dossier` command: its subcommands, and how errors reach a person."""

import os
import sys
from importlib.metadata import version

import click
from click.shell_completion import get_completion_class

from cli.auditing import audit_command
from cli.demo import demo
from cli.doctor import doctor
from cli.importing import import_file
from cli.migrating import migrate_command
from cli.platform import down, status, up
from cli.report import report_command
from cli.settings import VARIABLES, Settings
from cli.simulating import simulate
from cli.working import work
from schemas.errors import DossierError


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(version("dossier-stream"), prog_name="dossier")
@click.pass_context
def dossier(context: click.Context) -> None:
    """Exact, live counts of administrative dossiers."""
    context.obj = Settings.from_env(os.environ)


@click.command("settings")
@click.pass_obj
def settings_command(settings: Settings) -> None:
    """List the environment variables that are read, and what is in force now."""
    for name, meaning in VARIABLES.items():
        click.echo(f"{name:<28} {meaning}")
    click.echo(f"\ndata directory  {settings.data}\nrules           {settings.profile.rules}")
    for what, address in (("kafka", settings.kafka_address), ("clickhouse", settings.clickhouse_address)):
        click.echo(f"{what:<15} {address or 'none runs'}")


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete this command; for bash: eval "$(dossier completion bash)"."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(found(context.find_root().command, {}, "dossier", "_DOSSIER_COMPLETE").source())


for command in (
    up,
    status,
    down,
    demo,
    migrate_command,
    import_file,
    simulate,
    work,
    report_command,
    audit_command,
    doctor,
    settings_command,
    completion,
):
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
