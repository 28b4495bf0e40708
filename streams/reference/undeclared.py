"""Codes that were counted and are not declared, or would be after a load."""

from collections.abc import Iterable
from typing import Literal

from clickhouse_driver import Client
from msgspec import Struct

from streams.queries import query
from streams.reference.kinds import KindName
from streams.storage.clickhouse_client import external_table

_COUNTED = {"agencies": "[agency, receiver]", "procedures": "[procedure]"}
"""Where codes of a kind stand in facts."""


class UndeclaredCode(Struct, frozen=True):
    """A code, what it stands for, how many cases have it, and the sources of a hundred of these."""

    kind: Literal["agency", "receiver", "procedure"]
    code: str
    dossiers: int
    sources: tuple[str, ...]


def undeclared_codes(client: Client) -> list[UndeclaredCode]:
    """All of them, those of the most cases first; raises what the driver does."""
    return [
        UndeclaredCode(kind, code, cases, tuple(sources))
        for kind, code, cases, sources in client.execute(query("undeclared_codes"))
    ]


def cases_with(client: Client, kind: KindName, codes: Iterable[str]) -> dict[str, int]:
    """How many cases have each of these codes, where any has; raises what the driver does."""
    asked = [(code,) for code in codes]
    if not asked or kind not in _COUNTED:
        return {}
    rows = client.execute(
        f"SELECT arrayJoin(arrayDistinct({_COUNTED[kind]})) AS code, count() AS cases FROM facts FINAL "  # noqa: S608
        "WHERE NOT voided AND code IN (SELECT code FROM asked) GROUP BY code ORDER BY cases DESC, code",
        external_tables=external_table({"code": "String"}, asked),
    )
    return {str(code): cases for code, cases in rows}
