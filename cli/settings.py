"""What the commands are told from outside, read once into one frozen value; nothing else reads the environment."""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import click
from msgspec import Struct, structs

from deploy.embedded.data_lock import is_locked
from deploy.embedded.profile_file import PROFILE
from deploy.embedded.secret_files import FOLDER, Secrets, read_secrets
from deploy.embedded.state_file import PlatformState, read_state
from deploy.errors import UnusableData
from schemas.access import OWNER, READER
from schemas.alerts import DEFAULT_LEVELS, Level, parse_levels
from schemas.connection import ClickHouseConnection, GrafanaConnection, KafkaConnection, Secret, Webhook
from schemas.errors import SettingError
from schemas.profile import Profile, decode_profile
from streams.counting.dead_letter_limit import LIMIT

_LEAST_SECRET = 16


class NothingRuns(SettingError):
    """No addresses are known: start the embedded platform or name real servers."""

    exit_code = 3


class Settings(Struct, frozen=True, dict=True):
    """Where things are and how much is taken at once.

    `data` is the data directory of the embedded platform; addresses that are not given come from it, and so does the
    profile unless `profile_file` names one.
    """

    data: Path
    profile_file: Path | None
    kafka_address: KafkaConnection | None
    clickhouse_address: ClickHouseConnection | None
    database: str
    partitions: int
    replication: int
    replicated: bool
    batch_records: int
    batch_seconds: float
    cache_dossiers: int
    dead_lines: int
    dead_ratio: float
    metrics: tuple[str, int] | None
    stall_seconds: int
    alert_levels: tuple[Level, ...]
    alert_key: Secret | None
    webhook: Webhook | None
    grafana: GrafanaConnection | None
    log: str

    @cached_property
    def profile(self) -> Profile:
        """The deployment profile, read when it is first needed: what needs none works beside a broken one.

        Raises SettingError that names the file, the key and the value.
        """
        if self.profile_file is not None:
            return read_profile(self.profile_file, "DOSSIER_PROFILE")
        kept = self.data / PROFILE
        return read_profile(kept, "DOSSIER_DATA") if kept.exists() else Profile()

    @property
    def kafka(self) -> KafkaConnection:
        """The Kafka to use; raises NothingRuns where none is known."""
        if self.kafka_address is None:
            raise NothingRuns(self._nothing("DOSSIER_KAFKA"))
        return self.kafka_address

    @property
    def clickhouse(self) -> ClickHouseConnection:
        """The ClickHouse to use; raises NothingRuns where none is known."""
        if self.clickhouse_address is None:
            raise NothingRuns(self._nothing("DOSSIER_CLICKHOUSE"))
        return self.clickhouse_address

    def _nothing(self, variable: str) -> str:
        if is_locked(self.data):
            return unknown_platform(self.data)
        start = f"dossier up --data {self.data}"
        return f"no platform runs in {self.data}: start one with `{start}`, or set {variable} to host:port"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the environment; raises SettingError naming the variable and its value."""
        known = {name: value for name, value in env.items() if name.startswith("DOSSIER_")}
        for name in known:
            if name not in VARIABLES:
                raise SettingError(f"{name} is not a setting of this program: `dossier settings` lists them")
        read = _Reader(known)
        data = Path(known.get("DOSSIER_DATA") or "data").absolute()
        state = read_state(data)
        secrets = _secrets(data, state)
        kafka = KafkaConnection(
            bootstrap=read.addresses("DOSSIER_KAFKA", state.kafka if state else ""),
            security=read.choice("DOSSIER_KAFKA_SECURITY", ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
            mechanism=read.choice("DOSSIER_KAFKA_MECHANISM", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
            user=known.get("DOSSIER_KAFKA_USER", ""),
            password=read.secret("DOSSIER_KAFKA_PASSWORD"),
            ca_file=read.file("DOSSIER_KAFKA_CA"),
        )
        # The embedded platform's secrets go to its own addresses and nowhere else.
        if state and kafka.bootstrap == state.kafka and not any(known.get(name) for name in _KAFKA_LOGIN):
            kafka = secrets.kafka_at(kafka.bootstrap)
        clickhouse = ClickHouseConnection(
            *read.address("DOSSIER_CLICKHOUSE", state.clickhouse if state else ""),
            user=known.get("DOSSIER_CLICKHOUSE_USER") or OWNER,
            password=read.secret("DOSSIER_CLICKHOUSE_PASSWORD"),
            database=read.name("DOSSIER_DATABASE", "dossiers"),
            secure=read.flag("DOSSIER_CLICKHOUSE_TLS"),
            ca_file=read.file("DOSSIER_CLICKHOUSE_CA"),
        )
        embedded = state is not None and clickhouse.address == state.clickhouse
        if embedded and clickhouse.user in (OWNER, READER) and not clickhouse.password.reveal():
            own = secrets.clickhouse_at(clickhouse.address, clickhouse.user)
            clickhouse = structs.replace(clickhouse, password=own.password)
        profile = known.get("DOSSIER_PROFILE")
        return cls(
            data=data,
            profile_file=Path(profile).absolute() if profile else None,
            kafka_address=kafka if kafka.bootstrap else None,
            clickhouse_address=clickhouse if clickhouse.host else None,
            database=clickhouse.database,
            partitions=read.number("DOSSIER_PARTITIONS", 8, 1, 1024),
            replication=read.number("DOSSIER_REPLICATION", 1, 1, 9),
            replicated=read.flag("DOSSIER_REPLICATED"),
            batch_records=read.number("DOSSIER_BATCH_RECORDS", 64, 1, 100_000),
            batch_seconds=read.number("DOSSIER_BATCH_MILLISECONDS", 50, 1, 60_000) / 1000,
            cache_dossiers=read.number("DOSSIER_CACHE_DOSSIERS", 150_000, 1000, 100_000_000),
            dead_lines=read.number("DOSSIER_DEAD_LINES", LIMIT.lines, 1, 1_000_000_000),
            dead_ratio=read.ratio("DOSSIER_DEAD_RATIO", LIMIT.ratio),
            metrics=read.address("DOSSIER_METRICS", "") if known.get("DOSSIER_METRICS") else None,
            stall_seconds=read.number("DOSSIER_STALL_SECONDS", 60, 5, 86_400),
            alert_levels=read.levels("DOSSIER_ALERT_LEVELS"),
            alert_key=read.signing_key("DOSSIER_ALERT_KEY"),
            webhook=read.webhook("DOSSIER_WEBHOOK", "DOSSIER_WEBHOOK_SECRET"),
            grafana=read.grafana(clickhouse, secrets.reader if embedded else Secret()),
            log=read.choice("DOSSIER_LOG", ("text", "json")),
        )


def unknown_platform(data: Path) -> str:
    """What to say of a directory that a platform holds whose state is not believed here."""
    unlike = f"a platform of a former version, or of another machine or container, has {data}"
    return f"{unlike}: `dossier down --data {data}` stops the former, the other is stopped where it was started"


VARIABLES: dict[str, str] = {
    "DOSSIER_DATA": "data directory of the embedded platform (default ./data)",
    "DOSSIER_PROFILE": "deployment profile, a TOML file (default: profile.toml of the data directory, else built in)",
    "DOSSIER_KAFKA": "Kafka brokers, host:port, several separated by commas (default: the embedded one)",
    "DOSSIER_KAFKA_SECURITY": "PLAINTEXT (default), SSL, SASL_PLAINTEXT or SASL_SSL",
    "DOSSIER_KAFKA_MECHANISM": "SASL mechanism: PLAIN (default), SCRAM-SHA-256 or SCRAM-SHA-512",
    "DOSSIER_KAFKA_USER": "SASL user",
    "DOSSIER_KAFKA_PASSWORD": "SASL password",
    "DOSSIER_KAFKA_PASSWORD_FILE": "file that holds it, instead of the variable",
    "DOSSIER_KAFKA_CA": "file of the certificate authority that signed the brokers' certificates",
    "DOSSIER_CLICKHOUSE": "ClickHouse, host:port of the native protocol (default: the embedded one)",
    "DOSSIER_CLICKHOUSE_USER": "ClickHouse user (default `default`)",
    "DOSSIER_CLICKHOUSE_PASSWORD": "ClickHouse password (default: that of the embedded one)",
    "DOSSIER_CLICKHOUSE_PASSWORD_FILE": "file that holds it, instead of the variable",
    "DOSSIER_CLICKHOUSE_TLS": "1 to speak TLS to ClickHouse",
    "DOSSIER_CLICKHOUSE_CA": "file of the certificate authority that signed ClickHouse's certificate",
    "DOSSIER_DATABASE": "ClickHouse database of this deployment (default `dossiers`)",
    "DOSSIER_PARTITIONS": "partitions of dossier-events when `dossier migrate` makes it (default 8); then frozen",
    "DOSSIER_REPLICATION": "replicas of each topic when `dossier migrate` creates it (default 1)",
    "DOSSIER_REPLICATED": "1 where ClickHouse is a replicated cluster: tables are then created Replicated",
    "DOSSIER_BATCH_RECORDS": "Kafka records a worker takes at once at most (default 64)",
    "DOSSIER_BATCH_MILLISECONDS": "how long a worker waits for a batch to fill (default 50)",
    "DOSSIER_CACHE_DOSSIERS": "dossiers a worker keeps in memory at most, with half as many windows (default 150000)",
    "DOSSIER_DEAD_LINES": "lines of a partition over which dead letters are measured (default 10000)",
    "DOSSIER_DEAD_RATIO": "share of dead letters among them that stops a worker; 1 never does (default 0.1)",
    "DOSSIER_METRICS": "host:port on which `dossier work` and `dossier audit --every` serve metrics (default: none)",
    "DOSSIER_STALL_SECONDS": "how long a worker may do nothing while records wait, until it is unwell (default 60)",
    "DOSSIER_ALERT_LEVELS": f"distances from the term at which dossiers are alerted, or off (default {DEFAULT_LEVELS})",
    "DOSSIER_ALERT_KEY": "key by which workers sign alerts on Kafka; other alerts are not believed (default: none)",
    "DOSSIER_WEBHOOK": "http or https address to which `dossier alerts send` delivers alerts",
    "DOSSIER_WEBHOOK_SECRET": "secret with which they are signed, 16 characters or more",
    "DOSSIER_GRAFANA": "http or https address of the Grafana to which `dossier grafana publish` publishes",
    "DOSSIER_GRAFANA_TOKEN": "token of a service account there, an Admin, or an Editor who may write data sources",
    "DOSSIER_GRAFANA_CLICKHOUSE": "host:port at which that Grafana reaches ClickHouse (default DOSSIER_CLICKHOUSE)",
    "DOSSIER_GRAFANA_PASSWORD": "password of the ClickHouse user `reader` (default: that of the embedded one)",
    "DOSSIER_LOG": "log of `dossier work`, `alerts send`, `audit --every`: text (default) or json, one object a line",
}
"""Every variable that is read, with what it means; an unknown DOSSIER_ variable is refused as a typing error."""


_KAFKA_LOGIN = tuple(name for name in VARIABLES if name.startswith("DOSSIER_KAFKA_"))
HANDED_ON = tuple(
    name
    for name in VARIABLES
    if not name.startswith(("DOSSIER_KAFKA", "DOSSIER_CLICKHOUSE", "DOSSIER_GRAFANA", "DOSSIER_WEBHOOK"))
)
"""What the embedded platform's workers are told of the environment of `dossier up`: no credentials, no addresses."""


def _secrets(data: Path, state: PlatformState | None) -> Secrets:
    # A platform must be stopped, and told of, also where its secrets are lost.
    try:
        return read_secrets(data / FOLDER) if state else Secrets()
    except UnusableData:
        return Secrets()


def read_profile(path: Path, named_by: str) -> Profile:
    """The profile in this file; raises SettingError, also where the option or variable `named_by` names no file."""
    try:
        return decode_profile(path.read_bytes(), str(path))
    except OSError as error:
        raise SettingError(f"{path}, named by {named_by}, cannot be read: {error.strerror}") from error


class Address(click.ParamType):
    """The type of an option that names host:port."""

    name = "HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, int]:
        """Host and port; raises click's usage error."""
        try:
            return value if isinstance(value, tuple) else _host_and_port("", value, value)
        except SettingError:
            self.fail(f"{value!r} is not host:port", param, ctx)


class _Reader:
    """Typed reading of variables, with errors that name variable and value."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self._env.get(name) or str(default)
        if not _is_number(text, least, most):
            raise SettingError(f"{name}={text!r} is not a whole number from {least} to {most}")
        return int(text)

    def ratio(self, name: str, default: float) -> float:
        text = self._env.get(name) or str(default)
        if not re.fullmatch(r"0|0?\.[0-9]{1,9}|1(\.0{1,9})?", text):
            raise SettingError(f"{name}={text!r} is not a number from 0 to 1, such as 0.1")
        return float(text)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        text = self._env.get(name) or choices[0]
        if text not in choices:
            raise SettingError(f"{name}={text!r} is not one of {', '.join(choices)}")
        return text

    def levels(self, name: str) -> tuple[Level, ...]:
        """None where they are switched off."""
        text = self._env.get(name) or DEFAULT_LEVELS
        try:
            return () if text == "off" else parse_levels(text)
        except ValueError as error:
            raise SettingError(f"{name}={text!r}: {error}") from error

    def signing_key(self, name: str) -> Secret | None:
        """None where it is not set; it never shows."""
        text = self._env.get(name, "")
        if text and len(text) < _LEAST_SECRET:
            raise SettingError(f"{name} has {len(text)} characters: {_LEAST_SECRET} or more are a secret")
        return Secret(text) if text else None

    def webhook(self, name: str, secret_name: str) -> Webhook | None:
        """None where neither is set; the secret never shows."""
        url, secret = self._env.get(name, ""), self._env.get(secret_name, "")
        if not url and not secret:
            return None
        if not re.fullmatch(r"https?://[^/?#@\s]+([/?#]\S*)?", url):
            raise SettingError(f"{name} is not an address such as https://host/path, without user and password in it")
        if len(secret) < _LEAST_SECRET:
            raise SettingError(f"{secret_name} has {len(secret)} characters: {_LEAST_SECRET} or more sign {name}")
        return Webhook(url, Secret(secret))

    def secret(self, name: str) -> Secret:
        """Empty where there is none."""
        file_name = f"{name}_FILE"
        text, file = self._env.get(name, ""), self._env.get(file_name, "")
        if text and file:
            raise SettingError(f"{name} and {file_name} are both set: one of them is enough")
        try:
            return Secret(Path(file).read_text().rstrip("\r\n") if file else text)
        except (OSError, UnicodeDecodeError) as error:
            raise SettingError(f"{file_name}={file!r} cannot be read: {error}") from error

    def grafana(self, clickhouse: ClickHouseConnection, known: Secret) -> GrafanaConnection | None:
        """None where none is named; the token and the password never show."""
        url, token = self._env.get("DOSSIER_GRAFANA", ""), self._env.get("DOSSIER_GRAFANA_TOKEN", "")
        if not url:
            return None
        if not re.fullmatch(r"https?://[^/?#@\s]+(/[^?#\s]*)?", url):
            raise SettingError("DOSSIER_GRAFANA is not an address such as https://grafana.example, without user in it")
        host, port = self.address("DOSSIER_GRAFANA_CLICKHOUSE", clickhouse.address if clickhouse.host else "")
        given = self._env.get("DOSSIER_GRAFANA_PASSWORD", "")
        password = Secret(given) if given else known
        reader = ClickHouseConnection(host, port, READER, password, clickhouse.database, clickhouse.secure)
        return GrafanaConnection(url, Secret(token), reader)

    def flag(self, name: str) -> bool:
        return self.choice(name, ("0", "1")) == "1"

    def name(self, name: str, default: str) -> str:
        text = self._env.get(name) or default
        if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
            raise SettingError(f"{name}={text!r} is not a name of letters, digits and underscores")
        return text

    def file(self, name: str) -> str:
        text = self._env.get(name, "")
        if text and not Path(text).is_file():
            raise SettingError(f"{name}={text!r} is not a file")
        return text

    def address(self, name: str, default: str) -> tuple[str, int]:
        """Host and port; an empty host where there is none."""
        text = self._env.get(name) or default
        return _host_and_port(name, text, text) if text else ("", 0)

    def addresses(self, name: str, default: str) -> str:
        """host:port, several separated by commas; empty where there is none."""
        text = self._env.get(name) or default
        found = [_host_and_port(name, text, part.strip()) for part in text.split(",")] if text else []
        return ",".join(f"{host}:{port}" for host, port in found)


def _host_and_port(name: str, text: str, address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    if not host or not _is_number(port, 1, 65535):
        raise SettingError(f"{name}={text!r} is not host:port")
    return host, int(port)


def _is_number(text: str, least: int, most: int) -> bool:
    return text.isdecimal() and len(text) <= len(str(most)) and least <= int(text) <= most
