"""How a server's user `reader` differs from the declared one: rules over what the server shows and how it answers."""

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct, structs

from schemas.reader_access import (
    CHANGEABLE,
    GRANTED,
    LIMITS,
    READER,
    UNREADABLE,
    grant_statements,
    reader_statements,
    settings_statements,
)


class Element(Struct, frozen=True):
    """A row of system.settings_profile_elements: a setting of a user or a profile, or the profile that it inherits."""

    profile: str | None
    user: str | None
    setting: str | None
    value: str | None
    most: str | None
    writability: str | None
    inherits: str | None


class Catalogue(Struct, frozen=True):
    """What the server shows of the reader to an administrator; no `authentication` means that there is no reader."""

    authentication: str
    grants: tuple[str, ...] = ()
    elements: tuple[Element, ...] = ()


class Behaviour(Struct, frozen=True):
    """What happened when the reader tried: differences in what it can access, and in settings."""

    logs_in: bool
    access: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()


class Comparison(Struct, frozen=True):
    """Differences in words, and the SQL with which an administrator removes them.

    `also_reads` are grants on other databases, which are no differences. `compared` names what was compared; where
    nothing was, `unchecked` says why.
    """

    differences: tuple[str, ...] = ()
    statements: tuple[str, ...] = ()
    also_reads: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    unchecked: str = ""


def judge(catalogue: Catalogue | None, behaviour: Behaviour | None, database: str) -> Comparison:
    """The differences; either source is None where it could not be asked."""
    shown = catalogue if catalogue and catalogue.authentication else None
    if shown is None and behaviour is None:
        why = "this ClickHouse user may not see users" if catalogue is None else f"ClickHouse shows no user `{READER}`"
        return Comparison(unchecked=f"{why}, and DOSSIER_GRAFANA_PASSWORD, its password, is not set")
    tried = behaviour or Behaviour(logs_in=True)
    if catalogue and shown is None and not tried.logs_in:
        text = f"ClickHouse shows no user `{READER}`, and refuses the password that is known"
        return Comparison((text,), reader_statements(database, "a-long-password"), compared=("users",))
    user = [] if tried.logs_in else [f"`{READER}` cannot log in: ClickHouse refuses the password that is known"]
    access, settings, also, statements = [*tried.access], [*tried.settings], list[str](), list[str]()
    if tried.access:
        statements = [f"REVOKE ALL ON *.* FROM {READER}", *grant_statements(database)]
    if shown:
        if "no_password" in shown.authentication:
            user.append(f"`{READER}` needs no password")
        granted, against, also = compare_grants(shown.grants, database)
        # These name exactly what to revoke.
        access, statements = granted + access, against or statements
        settings = compare_settings(shown.elements) + settings
    if user:
        statements.insert(0, f"ALTER USER {READER} IDENTIFIED BY 'a-long-password'")
    if settings or tried.access:
        statements += settings_statements()
    asked = (("its grants and settings",) if shown else ()) + (("what it can do",) if behaviour else ())
    return Comparison((*user, *access, *settings), tuple(statements), tuple(also), asked)


def compare_grants(shown: Iterable[str], database: str) -> tuple[list[str], list[str], list[str]]:
    """Differences in what SHOW GRANTS shows, the SQL against them, and what else may be read."""
    differences, statements, also = [], [], []
    lacking = {f"{privilege} ON {database}.*" for privilege in GRANTED}
    open_tables = {f"SELECT ON {database}.{table}" for table in UNREADABLE}
    for verb, privilege, option in _privileges(shown):
        plain = privilege.replace("`", "")
        selected = re.fullmatch(r"(?:SELECT(?:\(.*\))?|dictGet) ON (\w+)\.(?:\*|\w+)", plain)
        where = selected[1] if selected and not option else ""
        if verb == "REVOKE":
            # An exception from a grant; elsewhere than here it goes with the grant.
            if plain in open_tables:
                open_tables.remove(plain)
            elif where == database:
                differences.append(f"`{READER}` lacks {privilege}")
                statements.append(f"GRANT {privilege} TO {READER}")
        elif plain in lacking and not option:
            lacking.remove(plain)
        elif where not in ("", "system", "information_schema", database):
            also.append(privilege.partition(" ON ")[2])
        else:
            differences.append(f"`{READER}` has {privilege}{option}, which is not declared")
            if verb:
                statements.append(f"REVOKE {privilege} FROM {READER}")
    differences += [f"`{READER}` lacks {privilege}" for privilege in sorted(lacking)]
    differences += [f"`{READER}` has {privilege}, which has personal data" for privilege in sorted(open_tables)]
    granted, revoked = grant_statements(database)
    # A grant on the database ends the exceptions from it.
    statements += [granted, revoked] if lacking else [revoked] if open_tables else []
    return differences, statements, also


def _privileges(shown: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """GRANT or REVOKE, each privilege or role of a line, and its option; no verb for a line in another form."""
    for line in shown:
        found = re.fullmatch(rf"(GRANT|REVOKE) (.+?)( ON .+?)? (?:TO|FROM) `?{READER}`?( WITH \w+ OPTION)?", line)
        if found is None:
            yield "", line, ""
            continue
        for privilege in re.split(r", (?![^(]*\))", found[2]):
            yield found[1], privilege + (found[3] or ""), found[4] or ""


def compare_settings(elements: Iterable[Element]) -> list[str]:
    """Differences in the reader's settings, with what it inherits, and in what it may change."""
    found = _effective(list(elements))
    nothing = Element(None, None, None, None, None, None, None)
    differences = []
    if (value := found.get("readonly", nothing).value) != "1":
        differences.append(f"readonly is {value or 'not set'}, declared 1")
    for name, limit in LIMITS.items():
        element = found.get(name, nothing)
        if not (is_within(element.value, limit) and is_within(element.most, limit)):
            shown = f"{element.value or 'not set'} with the maximum {element.most or 'not set'}"
            differences.append(f"{name} is {shown}, declared {limit}")
    changeable = {name for name, element in found.items() if element.writability == "CHANGEABLE_IN_READONLY"}
    declared = CHANGEABLE | LIMITS.keys()
    if fixed := ", ".join(sorted(declared - changeable)):
        differences.append(f"{fixed} cannot be changed by `{READER}`, declared changeable")
    if free := ", ".join(sorted(changeable - declared)):
        differences.append(f"{free} can be changed by `{READER}`, declared not changeable")
    return differences


def _effective(elements: list[Element]) -> dict[str, Element]:
    """The reader's settings by name: those of the profile `default`, then the reader's own, the last one of each."""

    def settings_of(chosen: Iterable[Element]) -> Iterator[Element]:
        for element in chosen:
            if element.inherits is not None:
                yield from settings_of(each for each in elements if each.profile == element.inherits)
            else:
                yield element

    found: dict[str, Element] = {}
    roots = [each for each in elements if each.profile == "default"], [each for each in elements if each.user == READER]
    for root in roots:
        for element in settings_of(root):
            former = found.get(element.setting or "", element)
            merged = {
                field: getattr(element, field) if getattr(element, field) is not None else getattr(former, field)
                for field in ("value", "most", "writability")
            }
            found[element.setting or ""] = structs.replace(element, **merged)
    return found


def is_within(value: str | None, limit: int) -> bool:
    """Whether a value bounds at least as much; 0 bounds nothing."""
    return bool(value and re.fullmatch(r"\d+(\.\d+)?", value)) and 0 < float(value or 0) <= limit
