"""The users of the embedded server, and their rights in the engine.

The engine has a single user. Its rights belong to a role that readers' sessions drop: they can then only read the
tables and views of the databases listed here.
"""

import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.sax.saxutils import escape

from deploy.errors import UnusableData
from schemas.reader_access import OWNER, READER

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
    for name in readable:
        if not PATTERN.fullmatch(name):
            raise UnusableData(f"{name!r} is no database that can be read: name one of letters, digits, underscores")
    grants = [f"GRANT {ROLE}", *(f"GRANT SELECT ON {name}.*" for name in readable)]
    queries = "".join(f"<query>{escape(grant)}</query>" for grant in grants)
    (folder / "users.xml").write_text(
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas>"
        f"<roles><{ROLE}><grants><query>GRANT ALL ON *.*</query></grants></{ROLE}></roles>"
        f"<users><{OWNER}><password/><profile>default</profile><quota>default</quota><grants>{queries}</grants></{OWNER}>"
        "</users></clickhouse>\n"
    )
    config = folder / "config.xml"
    config.write_text(f"<clickhouse><users_config>{escape(str(folder / 'users.xml'))}</users_config></clickhouse>\n")
    return config
