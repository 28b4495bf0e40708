"""A data directory that only its owner reads, and the secrets in it."""

import os
import secrets
import stat
from pathlib import Path

from msgspec import Struct

from deploy.embedded.atomic_file import write_whole
from deploy.errors import UnusableData
from schemas.access import OWNER, READER
from schemas.connection import ClickHouseConnection, KafkaConnection, Secret

FOLDER = "secrets"
KAFKA_USER = "dossier"
NAMES = ("clickhouse-owner", "clickhouse-reader", "kafka")
_SECRET_BYTES = 24


class Secrets(Struct, frozen=True):
    """The passwords of one platform."""

    owner: Secret = Secret()  # immutable
    reader: Secret = Secret()
    kafka: Secret = Secret()

    def kafka_at(self, bootstrap: str) -> KafkaConnection:
        """How this platform's Kafka is reached."""
        return KafkaConnection(bootstrap, "SASL_PLAINTEXT", "PLAIN", KAFKA_USER, self.kafka)

    def clickhouse_at(self, address: str, user: str = OWNER, database: str = "dossiers") -> ClickHouseConnection:
        """How this platform's ClickHouse is reached, by its owner or by its reader."""
        host, _, port = address.rpartition(":")
        password = {OWNER: self.owner, READER: self.reader}[user]
        return ClickHouseConnection(host, int(port), user, password, database)


def make_private(folder: Path) -> bool:
    """Make a directory, or an existing one, such that nobody else can enter it; whether it had been open to others.

    Raises UnusableData for one of somebody else, who could read and change whatever is put there.
    """
    if folder.exists() and not folder.is_dir():
        raise UnusableData(f"{folder} is not a directory: name another one with --data")
    # Never open to others, not even for a moment.
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid():
            raise UnusableData(f"{folder} belongs to {_user(found.st_uid)}: be that user, or use another --data")
        was_open = bool(stat.S_IMODE(found.st_mode) & 0o077)
        if was_open:
            os.fchmod(handle, 0o700)
        return was_open
    finally:
        os.close(handle)


def keep_secrets(data: Path) -> Secrets:
    """The secrets of a data directory, made where there are none; its caller holds the directory alone."""
    folder = data / FOLDER
    make_private(folder)
    for name in NAMES:
        if not (folder / name).exists():
            write_whole(folder / name, secrets.token_urlsafe(_SECRET_BYTES).encode())
    return read_secrets(folder)


def read_secrets(folder: Path) -> Secrets:
    """The secrets in such a folder; raises UnusableData where they are missing, or others may know them."""
    return Secrets(*(_read(folder / name) for name in NAMES))


def forget_secrets(data: Path) -> None:
    """Remove them: the next `keep_secrets` makes others."""
    for name in NAMES:
        (data / FOLDER / name).unlink(missing_ok=True)


def _read(path: Path) -> Secret:
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        raise UnusableData(f"the secret {path} cannot be read: {error.strerror}") from error
    with os.fdopen(handle, encoding="utf-8") as file:
        found = os.fstat(file.fileno())
        if found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & 0o077:
            raise UnusableData(f"others may read {path}: delete it, and the next `dossier up` makes another")
        text = file.read().strip()
    if len(text) < 16 or not text.isascii() or not all(sign.isalnum() or sign in "-_" for sign in text):
        raise UnusableData(f"{path} holds no secret of 16 or more letters, digits, - and _: delete it to get another")
    return Secret(text)


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
