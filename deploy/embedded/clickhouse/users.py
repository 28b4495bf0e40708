"""The users of the embedded server, and their rights in the engine.

The engine has a single user for sessions. Its rights belong to a role that readers' sessions drop: they can then only
read the tables, views and dictionaries of the databases listed here. A second user, as whom nobody can log in, reads
the sources of dictionaries.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from deploy.errors import UnusableData
from schemas.reader_access import DICTIONARY_SOURCES, DICTIONARY_USER, GRANTED, OWNER, READER, UNREADABLE

ROLE = "owner"
"""The role with all rights."""
READABLE = ("dossiers",)
PATTERN = re.compile(r"[A-Za-z_]\w*\*?", re.ASCII)


@dataclass(frozen=True, slots=True)
class User:
    """A user of the embedded server; one that only reads is restricted by `reader_rules.py` and by the engine."""

    name: str
    password: str = field(default="", repr=False)
    reads_only: bool = False

    def knows(self, password: str) -> bool:
        """Whether this is the password, compared in constant time."""
        return hmac.compare_digest(self.password.encode(), password.encode())


def users(owner: str = "", reader: str = "") -> tuple[User, ...]:
    """The users of a server with these passwords."""
    return User(OWNER, owner), User(READER, reader, reads_only=True)


DEFAULT_USERS = users()
"""Users without passwords, for a server that no other user can reach."""


def write_grants(folder: Path, readable: Iterable[str]) -> Path:
    """Write the engine's configuration; a name with a closing asterisk is a prefix."""
    names = tuple(readable)
    for name in names:
        if not PATTERN.fullmatch(name):
            raise UnusableData(f"{name!r} is no database that can be read: name one of letters, digits, underscores")
    grants = [f"GRANT {ROLE}", *(f"GRANT {', '.join(GRANTED)} ON {name}.*" for name in names)]
    # The engine takes no table of several databases: there, `reader_rules.py` alone refuses them.
    grants += [f"REVOKE SELECT ON {name}.{table}" for name in names for table in UNREADABLE if not name.endswith("*")]
    sources = [f"GRANT SELECT ON {name}" for each in names for name in _sources(each)]
    (folder / "users.xml").write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas>"
        f"<roles><{ROLE}><grants><query>GRANT ALL ON *.*</query></grants></{ROLE}></roles>"
        f"<users><{OWNER}><password/><profile>default</profile><quota>default</quota>{_queries(grants)}</{OWNER}>"
        f"<{DICTIONARY_USER}><no_password/><networks><ip>127.0.0.1</ip><ip>::1</ip></networks><profile>default</profile>"
        f"<quota>default</quota>{_queries(sources)}</{DICTIONARY_USER}></users></clickhouse>\n"
    )
    config = folder / "config.xml"
    config.write_text(f"<clickhouse><users_config>{escape(str(folder / 'users.xml'))}</users_config></clickhouse>\n")
    return config


def _sources(database: str) -> Iterable[str]:
    return [f"{database}.*"] if database.endswith("*") else [f"{database}.{table}" for table in DICTIONARY_SOURCES]


def _queries(grants: Iterable[str]) -> str:
    return f"<grants>{''.join(f'<query>{escape(grant)}</query>' for grant in grants)}</grants>"
