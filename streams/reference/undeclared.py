"""Codes that were counted and are not declared, or would be after a load."""

from collections.abc import Iterable
from typing import Literal

from clickhouse_driver import Client
from msgspec import Struct

from streams.queries import query
from streams.reference.kinds import KindName
from streams.storage.clickhouse_client import external_table

_COUNTED = {"agencies": "[agency, receiver]", "procedures": "[procedure]", "officials": "[official]"}
"""Where codes of a kind stand in facts."""


class UndeclaredCode(Struct, frozen=True):
    """A code, what it stands for, how many cases have it, and the sources of twenty of these."""

    kind: Literal["agency", "receiver", "procedure", "official"]
    code: str
    dossiers: int
    sources: tuple[str, ...]


class Undeclared(Struct, frozen=True):
    """How many codes are not declared, and of each kind those of the most cases."""

    total: int
    codes: list[UndeclaredCode]


def undeclared_codes(client: Client, limit: int = 1000) -> Undeclared:
    """At most so many of each kind, those of the most cases first; raises what the driver does.

    A source that sends something else as a code, such as a number of its own for each case, makes millions of them.
    """
    rows = client.execute(query("undeclared_codes"), {"limit": limit})
    sources = _sources(client, {case for _, _, _, some, _ in rows for case in some})
    codes = [
        UndeclaredCode(kind, code, cases, tuple(sorted({each for case in some for each in sources.get(case, ())})))
        for kind, code, cases, some, _ in rows
    ]
    return Undeclared(sum({kind: codes for kind, *_, codes in rows}.values()), codes)


def _sources(client: Client, cases: Iterable[str]) -> dict[str, list[str]]:
    asked = [(case,) for case in cases]
    if not asked:
        return {}
    sql = (
        "SELECT dossier, groupUniqArray(toString(source)) FROM events "
        "WHERE source != '' AND dossier IN (SELECT dossier FROM asked) GROUP BY dossier"
    )
    return dict(client.execute(sql, external_tables=external_table({"dossier": "String"}, asked)))


def cases_with(client: Client, kind: KindName, codes: Iterable[str]) -> dict[str, int]:
    """How many cases have each of these codes, where any has; raises what the driver does."""
    asked = [(code,) for code in codes]
    if not asked:
        return {}
    rows = client.execute(
        f"SELECT arrayJoin(arrayDistinct({_COUNTED[kind]})) AS code, count() AS cases FROM facts FINAL "  # noqa: S608
        "WHERE NOT voided AND code IN (SELECT code FROM asked) GROUP BY code ORDER BY cases DESC, code",
        external_tables=external_table({"code": "String"}, asked),
    )
    return {str(code): cases for code, cases in rows}
