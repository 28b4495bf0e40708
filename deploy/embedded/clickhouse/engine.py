"""The one ClickHouse engine of this process."""

import fcntl
import itertools
import os
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from deploy.embedded.clickhouse.errors import ServerError
from deploy.embedded.clickhouse.lost_definitions import remove_lost_definitions
from deploy.embedded.clickhouse.reader_slots import ReaderSlots
from deploy.embedded.clickhouse.self_described import SelfDescribed
from deploy.embedded.clickhouse.users import READABLE, ROLE, write_grants
from deploy.errors import UnusableData
from schemas.errors import SettingError

REPORTED = re.compile(r"Code: (\d+)\. (?:DB::\w*Exception: Code: \d+\. )?DB::\w*Exception: (.*)", re.DOTALL)
ERROR_NAME = re.compile(r"\.? ?\(([A-Z][A-Z0-9_]+)\)\s*$")
TAG = "dossier-session-"


@contextmanager
def engine_errors() -> Iterator[None]:
    """Turn what the engine raises into a ServerError with ClickHouse's own code and name."""
    from chdb import ChdbError

    try:
        yield
    except (ChdbError, RuntimeError) as error:
        raise reported(str(error)) from None


def reported(message: str) -> ServerError:
    """The engine's message as an error; 1001, STD_EXCEPTION, for one that has no code."""
    message = message.partition(", Stack trace")[0]
    if not (found := REPORTED.search(message)):
        return ServerError((1001, "STD_EXCEPTION"), message)
    name = ERROR_NAME.search(found[2])
    return ServerError((int(found[1]), name[1] if name else ""), ERROR_NAME.sub("", found[2]))


class Engine:
    """Opens a data directory for this process alone; every session is a connection to it.

    A process can have one engine, and only one directory in its life. The server's time zone is the TZ of the process,
    which is set here. Raises UnusableData when the directory cannot be used, SettingError for an unknown zone. Readers
    may read the tables and views of the databases in `readable`.

    An acknowledged insert has reached the operating system, so it survives a crash of this process. MergeTree does not
    wait for the disk: a power loss may lose the inserts of the last seconds, and damaged parts are detached at the next
    start. Where that matters, set `fsync_after_insert = 1` on the tables.
    """

    def __init__(self, data: Path, timezone: str = "UTC", readable: Sequence[str] = READABLE) -> None:
        self.data = data.absolute()
        try:
            ZoneInfo(timezone)
        except (ZoneInfoNotFoundError, ValueError):
            raise SettingError(f"{timezone!r} is no time zone: name one such as Asia/Ho_Chi_Minh") from None
        # The engine's own lock reports a conflict in several lines.
        self._lock = claim(self.data)
        remove_lost_definitions(self.data)
        self.spool = emptied(self.data / "incoming")
        os.environ["TZ"] = timezone
        time.tzset()
        # Imported only now: the engine takes the time zone of the process when it is loaded.
        import chdb
        from chdb import _chdb

        self._connect = chdb.connect
        try:
            # Read once; a path that the system chooses has no character with a meaning in a connection string.
            with tempfile.TemporaryDirectory(prefix="dossier-") as folder:
                config = write_grants(Path(folder), readable)
                self._admin = chdb.connect(f"{self.data}?config-file={config}")
        except (chdb.ChdbError, RuntimeError) as error:
            raise UnusableData(f"{self.data} cannot be opened by the engine: {reported(str(error))}") from error
        finally:
            # Loading the engine replaces the handlers of fatal signals and of SIGTSTP.
            _chdb.reset_signal_handlers()  # type: ignore[attr-defined]
        self._admin_lock = threading.Lock()
        self.reader_slots = ReaderSlots()
        self.self_described = SelfDescribed()
        self._numbers = itertools.count(1)
        self.last_change = object()
        """Replaced after each statement that may have changed the columns of a table."""
        if ROLE not in self.ask("SELECT currentRoles()"):
            raise UnusableData("the engine did not take its grants: a path in TMPDIR without any of ? & % + helps")
        self.version: str = self.ask("SELECT version()")
        self.timezone: str = self.ask("SELECT timezone()")
        self.functions = frozenset(
            self.ask(
                "SELECT lower(name) FROM system.functions UNION ALL SELECT lower(name) FROM system.table_functions"
            ).split()
        )
        """The functions of the engine, in lower case."""

    def connect(self) -> tuple[Any, str]:
        """A new connection, and the tag of its queries."""
        with engine_errors():
            return self._connect(str(self.data)), f"{TAG}{next(self._numbers)}"

    def ask(self, sql: str) -> str:
        """The only value of an answer, as text."""
        with self._admin_lock, engine_errors():
            answer: bytes = self._admin.query(sql, "TSVRaw").bytes()
        return answer.decode().rstrip("\n")

    def kill(self, tag: str = "") -> None:
        """Cancel the running query of a session, or of all; it ends a moment later."""
        condition = f"= '{tag}'" if tag else f"LIKE '{TAG}%'"
        with suppress(ServerError):
            self.ask(f"KILL QUERY WHERE Settings['log_comment'] {condition} ASYNC")

    def close(self) -> None:
        """Release the directory; sessions must be closed before."""
        with self._admin_lock:
            self._admin.close()
        self._lock.close()


def claim(data: Path) -> IO[bytes]:
    """Lock the directory for this process while the file is open; raises UnusableData."""
    if set(str(data)) & set("*?{}[]'\\"):
        raise UnusableData(f"{data}: choose a path without any of * ? {{ }} [ ] ' \\")
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "server.lock").open("ab")
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UnusableData(f"{data} is in use by another server: stop it, or choose another one") from None
    except OSError as error:
        raise UnusableData(f"{data} cannot be written: {error.strerror}; choose another one") from None
    return lock


def emptied(folder: Path) -> Path:
    """An empty folder: what a killed server left there was never acknowledged."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
