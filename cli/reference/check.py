"""`dossier reference check`: everything that is wrong in files of reference data."""

from pathlib import Path

import click

from cli.findings import print_findings
from cli.reference.arguments import files_argument, kind_argument, read_or_findings
from cli.terminal_escape import plural, print_json
from streams.reference.kinds import KindName


@click.command("check", short_help="Say everything that is wrong in files.")
@kind_argument
@files_argument
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with `rows` and `findings`.")
def command(kind: KindName, files: tuple[Path, ...], as_json: bool) -> None:
    """Say everything that is wrong in files, as FILE:LINE: COLUMN: VALUE: what is wrong. Nothing is loaded.

    Exit codes: 0 all is right, 2 a file cannot be read, 4 there are findings.
    """
    content, findings = read_or_findings(kind, files)
    if as_json:
        print_json({"rows": len(content), "findings": findings})
    else:
        print_findings(findings)
        click.echo(
            plural(len(findings), "finding") if findings else f"{plural(len(content), 'row')} of {kind}, all right"
        )
    raise click.exceptions.Exit(4 if findings else 0)
