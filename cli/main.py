"""The `dossier` command: its subcommands, and how errors reach a person."""

import logging
import os
import sys
from importlib.metadata import version

import click
from click.shell_completion import get_completion_class

from cli.alerts import alerts
from cli.audit import audit_command
from cli.dead_letters import dead_letters
from cli.demo import demo
from cli.doctor import doctor
from cli.grafana import grafana_group
from cli.import_ import import_file
from cli.migrate import migrate_command
from cli.platform import down, status, up
from cli.rebuild import rebuild_command
from cli.report import report_command
from cli.rewind import rewind_command
from cli.settings import VARIABLES, Settings
from cli.simulate import simulate
from cli.terminal import printable
from cli.watch import watch_command
from cli.work import work
from schemas.errors import DossierError


@click.command("settings", short_help="List the settings and what is in force.")
@click.pass_obj
def settings_command(settings: Settings) -> None:
    """List the environment variables that are read, and what is in force now."""
    for name, meaning in VARIABLES.items():
        click.echo(f"{name:<28} {meaning}")
    try:
        rules = settings.profile.rules
    except DossierError as error:
        rules = f"wrong: {error}"
    click.echo(f"\ndata directory  {settings.data}\nrules           {rules}")
    kafka, clickhouse = settings.kafka_address, settings.clickhouse_address
    click.echo(f"kafka           {kafka.bootstrap if kafka else 'none runs'}")
    click.echo(f"clickhouse      {clickhouse.address if clickhouse else 'none runs'}")


@click.command("completion", short_help="Print what makes a shell complete this command.")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what makes SHELL complete this command; for bash: eval "$(dossier completion bash)"."""
    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(found(context.find_root().command, {}, "dossier", "_DOSSIER_COMPLETE").source())


SECTIONS: dict[str, tuple[click.Command, ...]] = {
    "Platform": (up, status, down, demo),
    "Events": (import_file, simulate),
    "Counting": (migrate_command, work, dead_letters, alerts, rewind_command, rebuild_command),
    "Figures": (report_command, watch_command, audit_command, grafana_group),
    "Help": (doctor, settings_command, completion),
}
"""Every command, as `dossier --help` shows them."""


class _Sections(click.Group):
    """A group that lists its commands by section."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        width = max(map(len, self.commands))
        for heading, commands in SECTIONS.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{command.name:<{width}}", command.get_short_help_str()) for command in commands])


@click.group(
    cls=_Sections,
    commands=[command for commands in SECTIONS.values() for command in commands],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(version("dossier-stream"), prog_name="dossier")
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
