"""The SQL of `streams`, a file for each query. No statement that writes may be here, and no rule in Python."""

from collections.abc import Iterable
from importlib.resources import files

from schemas.deployment_profile import Profile
from schemas.sql_parts import filled, sql_parts


def query(name: str, profile: Profile | None = None, **parts: str) -> str:
    """The query of this name; the rules of a deployment and other parts of its text replace their names in braces."""
    text = (files("streams") / "queries" / f"{name}.sql").read_text()
    if profile is not None:
        parts = sql_parts(profile) | parts
    return filled(text, parts)


def figures(columns: Iterable[str], amount: str = "{}") -> str:
    """Pairs of a column's name and an expression of it, such as `('received', sum(received))` for `sum({})`."""
    return ", ".join(f"('{column}', {amount.format(column)})" for column in columns)
