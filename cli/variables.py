"""The environment variables that commands read: their names, what they mean, and their values by type."""

import re
from collections.abc import Mapping
from pathlib import Path

from schemas.alerts import DEFAULT_LEVELS, Level, parse_levels
from schemas.connection import Secret, Webhook
from schemas.errors import SettingError

_SECRET_CHARACTERS = 16
"""The shortest secret that signs anything."""

VARIABLES: dict[str, str] = {
    "DOSSIER_DATA": "data directory of the embedded platform (default ./data)",
    "DOSSIER_PROFILE": "deployment profile, a TOML file (default: profile.toml of the data directory, else built in)",
    "DOSSIER_KAFKA": "Kafka brokers, host:port, several separated by commas (default: the embedded broker)",
    "DOSSIER_KAFKA_SECURITY": "PLAINTEXT (default), SSL, SASL_PLAINTEXT or SASL_SSL",
    "DOSSIER_KAFKA_MECHANISM": "SASL mechanism: PLAIN (default), SCRAM-SHA-256 or SCRAM-SHA-512",
    "DOSSIER_KAFKA_USER": "SASL user",
    "DOSSIER_KAFKA_PASSWORD": "SASL password",
    "DOSSIER_KAFKA_PASSWORD_FILE": "file with the SASL password, instead of the variable",
    "DOSSIER_KAFKA_CA": "file with the certificate authority that signed the brokers' certificates",
    "DOSSIER_CLICKHOUSE": "ClickHouse, host:port of the native protocol (default: the embedded server)",
    "DOSSIER_CLICKHOUSE_USER": "ClickHouse user (default `default`)",
    "DOSSIER_CLICKHOUSE_PASSWORD": "ClickHouse password (default: that of the embedded server)",
    "DOSSIER_CLICKHOUSE_PASSWORD_FILE": "file with the ClickHouse password, instead of the variable",
    "DOSSIER_CLICKHOUSE_TLS": "1 for TLS to ClickHouse (default 0)",
    "DOSSIER_CLICKHOUSE_CA": "file with the certificate authority that signed ClickHouse's certificate",
    "DOSSIER_DATABASE": "ClickHouse database of this deployment (default `dossiers`)",
    "DOSSIER_PARTITIONS": "partitions of dossier-events when `dossier migrate` creates it (default 8); then frozen",
    "DOSSIER_REPLICATION": "replicas of each topic when `dossier migrate` creates it (default 1)",
    "DOSSIER_REPLICATED": "1 where ClickHouse is a replicated cluster: tables are then created Replicated (default 0)",
    "DOSSIER_BATCH_RECORDS": "most Kafka records that a worker takes at once (default 64)",
    "DOSSIER_BATCH_MILLISECONDS": "milliseconds that a worker waits for a batch to fill (default 100)",
    "DOSSIER_WINDOWS_MILLISECONDS": "milliseconds at least between two writes of windows (default 200)",
    "DOSSIER_FLUSH_MILLISECONDS": "milliseconds at least between two writes of everything counted (default 2000)",
    "DOSSIER_CACHE_DOSSIERS": "most dossiers that a worker caches, with half as many windows (default 150000)",
    "DOSSIER_STATE": "directory of the workers' local state, or `off` (default: `state` in the data directory)",
    "DOSSIER_DEAD_LINES": "lines of a partition over which dead letters are measured (default 10000)",
    "DOSSIER_DEAD_RATIO": "share of dead letters among them that stops a worker; 1 never does (default 0.1)",
    "DOSSIER_METRICS": "host:port on which `dossier work` and `dossier audit --every` serve metrics (default: none)",
    "DOSSIER_STALL_SECONDS": "seconds without progress, while records wait, until a worker is stalled (default 60)",
    "DOSSIER_ALERT_LEVELS": f"distances from the term at which dossiers are alerted, or off (default {DEFAULT_LEVELS})",
    "DOSSIER_ALERT_KEY": "key with which workers sign alerts on Kafka; unsigned alerts are ignored (default: none)",
    "DOSSIER_WEBHOOK": "http or https address to which `dossier alerts send` delivers alerts",
    "DOSSIER_WEBHOOK_SECRET": "secret that signs these deliveries, 16 characters or more",
    "DOSSIER_GRAFANA": "http or https address of the Grafana to which `dossier grafana publish` publishes",
    "DOSSIER_GRAFANA_TOKEN": "token of a service account there: an Admin, or an Editor who may write data sources",
    "DOSSIER_GRAFANA_CLICKHOUSE": "host:port at which that Grafana reaches ClickHouse (default DOSSIER_CLICKHOUSE)",
    "DOSSIER_GRAFANA_PASSWORD": "password of the ClickHouse user `reader` (default: that of the embedded server)",
    "DOSSIER_LOG": "log of `dossier work`, `alerts send`, `audit --every`: text (default) or json, one object a line",
}
"""Every variable that is read, with its meaning; an unknown DOSSIER_ variable is refused as a typing error."""

KAFKA_LOGIN = tuple(name for name in VARIABLES if name.startswith("DOSSIER_KAFKA_"))
WORKER_VARIABLES = tuple(
    name
    for name in VARIABLES
    if not name.startswith(("DOSSIER_KAFKA", "DOSSIER_CLICKHOUSE", "DOSSIER_GRAFANA", "DOSSIER_WEBHOOK"))
)
"""The variables of `dossier up` that its workers get, too: no credentials, no addresses."""


class Variables:
    """Reads variables by type; raises SettingError, which names the variable and its value.

    A variable that is empty counts as not set.
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def number(self, name: str, default: int, least: int, most: int) -> int:
        """A whole number within bounds."""
        text = self._env.get(name) or str(default)
        if not _is_number(text, least, most):
            raise SettingError(f"{name}={text!r} is not a whole number from {least} to {most}")
        return int(text)

    def ratio(self, name: str, default: float) -> float:
        """A number from 0 to 1."""
        text = self._env.get(name) or str(default)
        if not re.fullmatch(r"0|0?\.[0-9]{1,9}|1(\.0{1,9})?", text):
            raise SettingError(f"{name}={text!r} is not a number from 0 to 1, such as 0.1")
        return float(text)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        """One of the choices; the first is the default."""
        text = self._env.get(name) or choices[0]
        if text not in choices:
            raise SettingError(f"{name}={text!r} is not one of {', '.join(choices)}")
        return text

    def flag(self, name: str) -> bool:
        """0, the default, or 1."""
        return self.choice(name, ("0", "1")) == "1"

    def identifier(self, name: str, default: str) -> str:
        """A name that needs no quoting in SQL."""
        text = self._env.get(name) or default
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
            raise SettingError(f"{name}={text!r} is not a name of letters, digits and underscores")
        return text

    def file(self, name: str) -> str:
        """The path of a file that exists; empty where none is named."""
        text = self._env.get(name, "")
        if text and not Path(text).is_file():
            raise SettingError(f"{name}={text!r} is not a file")
        return text

    def address(self, name: str, default: str = "") -> tuple[str, int]:
        """Host and port; an empty host where there is none."""
        text = self._env.get(name) or default
        return host_and_port(name, text, text) if text else ("", 0)

    def addresses(self, name: str, default: str) -> str:
        """host:port, several separated by commas; empty where there is none."""
        text = self._env.get(name) or default
        found = [host_and_port(name, text, part.strip()) for part in text.split(",")] if text else []
        return ",".join(f"{host}:{port}" for host, port in found)

    def url(self, name: str) -> str:
        """An http address with neither query nor fragment; empty where there is none. The error does not show it."""
        text = self._env.get(name, "")
        if text and not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", text):
            raise SettingError(f"{name} is not an address such as https://host/path, without user and password in it")
        return text

    def secret(self, name: str) -> Secret:
        """A secret, from the variable or from the file that `<name>_FILE` names; empty where there is none."""
        file_name = f"{name}_FILE"
        text, file = self._env.get(name, ""), self._env.get(file_name, "")
        if text and file:
            raise SettingError(f"{name} and {file_name} are both set: set only one of them")
        try:
            return Secret(Path(file).read_text().rstrip("\r\n") if file else text)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{file_name}={file!r} cannot be read: {error}") from error

    def signing_key(self, name: str) -> Secret | None:
        """A secret that signs; None where it is not set. The error does not show it."""
        text = self._env.get(name, "")
        return _long_enough(name, text) if text else None

    def webhook(self, name: str, secret_name: str) -> Webhook | None:
        """Address and secret of a webhook; None where neither is set. The error shows neither."""
        url, secret = self._env.get(name, ""), self._env.get(secret_name, "")
        if not url and not secret:
            return None
        if not re.fullmatch(r"https?://[^/?#@\s]+([/?#]\S*)?", url):
            raise SettingError(f"{name} is not an address such as https://host/path, without user and password in it")
        if len(secret) < _SECRET_CHARACTERS:
            raise SettingError(f"{secret_name} has {len(secret)} characters, it needs {_SECRET_CHARACTERS} or more")
        return Webhook(url, Secret(secret))

    def levels(self, name: str) -> tuple[Level, ...]:
        """The alert levels; none where they are switched off."""
        text = self._env.get(name) or DEFAULT_LEVELS
        try:
            return () if text == "off" else parse_levels(text)
        except ValueError as error:
            raise SettingError(f"{name}={text!r}: {error}") from error


def host_and_port(name: str, text: str, address: str) -> tuple[str, int]:
    """Host and port of an address in the value `text` of a variable; raises SettingError, which names both."""
    host, _, port = address.rpartition(":")
    if not host or not _is_number(port, 1, 65535):
        raise SettingError(f"{name}={text!r} is not host:port")
    return host, int(port)


def _long_enough(name: str, text: str) -> Secret:
    if len(text) < _SECRET_CHARACTERS:
        raise SettingError(f"{name} has {len(text)} characters, it needs {_SECRET_CHARACTERS} or more")
    return Secret(text)


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most
