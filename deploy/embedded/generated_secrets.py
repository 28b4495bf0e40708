"""The passwords of one platform, in files of its data directory that only their owner reads."""

import os
import secrets
import stat
from pathlib import Path

from msgspec import Struct

from deploy.embedded.atomic_file import write_atomically
from deploy.embedded.private_directory import make_private
from deploy.errors import UnusableData
from schemas.connection import ClickHouseConnection, KafkaConnection, Secret
from schemas.reader_access import OWNER, READER

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
        """The connection to this platform's Kafka."""
        return KafkaConnection(bootstrap, "SASL_PLAINTEXT", "PLAIN", KAFKA_USER, self.kafka)

    def clickhouse_at(self, address: str, user: str = OWNER, database: str = "dossiers") -> ClickHouseConnection:
        """The connection to this platform's ClickHouse, as its owner or its reader."""
        host, _, port = address.rpartition(":")
        password = {OWNER: self.owner, READER: self.reader}[user]
        return ClickHouseConnection(host, int(port), user, password, database)


def keep_secrets(data: Path) -> Secrets:
    """The secrets of a data directory; missing ones are made. The caller has the directory's lock."""
    folder = data / FOLDER
    make_private(folder)
    for name in NAMES:
        if not (folder / name).exists():
            write_atomically(folder / name, secrets.token_urlsafe(_SECRET_BYTES).encode())
    return read_secrets(folder)


def read_secrets(folder: Path) -> Secrets:
    """The secrets in this folder; raises UnusableData where one is missing, or other users may have read it."""
    return Secrets(*(_read(folder / name) for name in NAMES))


def forget_secrets(data: Path) -> None:
    """Remove the secrets: the next `keep_secrets` makes new ones."""
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
