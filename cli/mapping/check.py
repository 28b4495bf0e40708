"""`dossier mapping check`: what is wrong in a mapping, or suspicious about it."""

from pathlib import Path

import click

from cli.terminal_escape import plural, print_json, printable
from connectors.files.mapping_file import read_mapping
from connectors.files.mapping_lint import findings


@click.command("check", short_help="Say what is wrong in a mapping, or suspicious about it.")
@click.argument("mapping_file", metavar="MAPPING", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON, an array of texts.")
def command(mapping_file: Path, as_json: bool) -> None:
    """Check MAPPING (TOML) with its look-ups.

    It names kinds and fields that do not exist, required fields that are missing, values that do not fit, rules that
    never apply, and columns that look like personal data.

    Exit codes: 0 nothing was found, 1 something was, 2 the file cannot be read as a mapping.
    """
    found = findings(read_mapping(mapping_file))
    if as_json:
        print_json(found)
    else:
        for each in found:
            click.echo(printable(each))
        click.echo(f"{plural(len(found), 'finding')} in {mapping_file}" if found else f"{mapping_file} is sound")
    raise click.exceptions.Exit(1 if found else 0)
