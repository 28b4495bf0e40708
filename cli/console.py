"""The console on which rich prints tables and progress."""

from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """A console that prints foreign text as it is: without markup, links, emoji names or colours of its own."""
    return Console(stderr=stderr, markup=False, emoji=False, highlight=False)
