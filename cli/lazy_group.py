"""A click group that imports the module of a command only when that command is called."""

import keyword
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click
from click.shell_completion import CompletionItem

Sections = Mapping[str, Mapping[str, str]]
"""The short help of each command, by section and name."""


class LazyGroup(click.Group):
    """Lists its commands by section; `cli.<name>` is the module of a command, which is its `command`.

    A command may import Faust, Kafka's client or pyarrow, which takes up to two seconds. The list of commands and the
    completion of their names need none of that, so short helps stand in `sections`.
    """

    def __init__(self, *arguments: Any, sections: Sections, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._sections = sections
        self._short_helps = {name: text for commands in sections.values() for name, text in commands.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's
        """The names of all commands."""
        return list(self._short_helps)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """The command of this name, or None where there is none."""
        if cmd_name not in self._short_helps:
            return None
        command: click.Command = import_module(f"cli.{module_of(cmd_name)}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """Write the short help of each command, by section."""
        width = max(map(len, self._short_helps))
        for heading, commands in self._sections.items():
            with formatter.section(heading):
                formatter.write_dl([(f"{name:<{width}}", text) for name, text in commands.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that begin with `incomplete`, and the group's own options."""
        commands = [
            CompletionItem(name, help=text) for name, text in self._short_helps.items() if name.startswith(incomplete)
        ]
        # Not that of click.Group, which imports every command for its short help.
        return commands + click.Command.shell_complete(self, ctx, incomplete)


def module_of(name: str) -> str:
    """The name of the module of a command: `import` is a keyword, so its module is `import_`."""
    return f"{name}_" if keyword.iskeyword(name) else name.replace("-", "_")
