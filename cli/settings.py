"""What the commands are told from outside, read once into one frozen value; nothing else reads the environment."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from deploy.embedded.state import read_state
from schemas.connection import ClickHouseConnection, KafkaConnection, Secret
from schemas.errors import SettingError
from schemas.profile import Profile, decode_profile


class NothingRuns(SettingError):
    """No addresses are known: start the embedded platform or name real servers."""

    exit_code = 3


class Settings(Struct, frozen=True):
    """Where things are and how much is taken at once.

    `data` is the data directory of the embedded platform; addresses that are not given come from it.
    """

    data: Path
    profile: Profile
    kafka_address: KafkaConnection | None
    clickhouse_address: ClickHouseConnection | None
    partitions: int
    replication: int
    replicated: bool
    batch_records: int
    batch_seconds: float
    cache_dossiers: int

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
        kafka = known.get("DOSSIER_KAFKA") or (state.kafka if state else "")
        clickhouse = known.get("DOSSIER_CLICKHOUSE") or (state.clickhouse if state else "")
        return cls(
            data=data,
            profile=_profile(known.get("DOSSIER_PROFILE"), data),
            kafka_address=KafkaConnection(
                bootstrap=read.addresses("DOSSIER_KAFKA", kafka),
                security=read.choice("DOSSIER_KAFKA_SECURITY", ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
                mechanism=read.choice("DOSSIER_KAFKA_MECHANISM", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
                user=known.get("DOSSIER_KAFKA_USER", ""),
                password=Secret(known.get("DOSSIER_KAFKA_PASSWORD", "")),
                ca_file=known.get("DOSSIER_KAFKA_CA", ""),
            )
            if kafka
            else None,
            clickhouse_address=ClickHouseConnection(
                *read.address("DOSSIER_CLICKHOUSE", clickhouse),
                user=known.get("DOSSIER_CLICKHOUSE_USER", "default"),
                password=Secret(known.get("DOSSIER_CLICKHOUSE_PASSWORD", "")),
                database=known.get("DOSSIER_DATABASE", "dossiers"),
                secure=read.flag("DOSSIER_CLICKHOUSE_TLS"),
                ca_file=known.get("DOSSIER_CLICKHOUSE_CA", ""),
            )
            if clickhouse
            else None,
            partitions=read.number("DOSSIER_PARTITIONS", 8, 1, 1024),
            replication=read.number("DOSSIER_REPLICATION", 1, 1, 9),
            replicated=read.flag("DOSSIER_REPLICATED"),
            batch_records=read.number("DOSSIER_BATCH_RECORDS", 100, 1, 100_000),
            batch_seconds=read.number("DOSSIER_BATCH_MILLISECONDS", 50, 1, 60_000) / 1000,
            cache_dossiers=read.number("DOSSIER_CACHE_DOSSIERS", 500_000, 1000, 100_000_000),
        )


VARIABLES: dict[str, str] = {
    "DOSSIER_DATA": "data directory of the embedded platform (default ./data)",
    "DOSSIER_PROFILE": "deployment profile, a TOML file (default: profile.toml of the data directory, else built in)",
    "DOSSIER_KAFKA": "Kafka brokers, host:port, several separated by commas (default: the embedded one)",
    "DOSSIER_KAFKA_SECURITY": "PLAINTEXT (default), SSL, SASL_PLAINTEXT or SASL_SSL",
    "DOSSIER_KAFKA_MECHANISM": "SASL mechanism: PLAIN (default), SCRAM-SHA-256 or SCRAM-SHA-512",
    "DOSSIER_KAFKA_USER": "SASL user",
    "DOSSIER_KAFKA_PASSWORD": "SASL password",
    "DOSSIER_KAFKA_CA": "file of the certificate authority that signed the brokers' certificates",
    "DOSSIER_CLICKHOUSE": "ClickHouse, host:port of the native protocol (default: the embedded one)",
    "DOSSIER_CLICKHOUSE_USER": "ClickHouse user (default `default`)",
    "DOSSIER_CLICKHOUSE_PASSWORD": "ClickHouse password",
    "DOSSIER_CLICKHOUSE_TLS": "1 to speak TLS to ClickHouse",
    "DOSSIER_CLICKHOUSE_CA": "file of the certificate authority that signed ClickHouse's certificate",
    "DOSSIER_DATABASE": "ClickHouse database of this deployment (default `dossiers`)",
    "DOSSIER_PARTITIONS": "partitions of dossier-events when `dossier migrate` makes it (default 8); then frozen",
    "DOSSIER_REPLICATION": "replicas of each topic when `dossier migrate` creates it (default 1)",
    "DOSSIER_REPLICATED": "1 where ClickHouse is a replicated cluster: tables are then created Replicated",
    "DOSSIER_BATCH_RECORDS": "Kafka records a worker takes at once at most (default 100)",
    "DOSSIER_BATCH_MILLISECONDS": "how long a worker waits for a batch to fill (default 50)",
    "DOSSIER_CACHE_DOSSIERS": "dossiers whose facts a worker keeps in memory at most (default 500000)",
}
"""Every variable that is read, with what it means; an unknown DOSSIER_ variable is refused as a typing error."""


def _profile(named: str | None, data: Path) -> Profile:
    path = Path(named) if named else data / "profile.toml"
    if not named and not path.is_file():
        return Profile()
    try:
        return decode_profile(path.read_bytes(), str(path))
    except OSError as error:
        raise SettingError(f"DOSSIER_PROFILE={named!r} cannot be read: {error.strerror}") from error


class _Reader:
    """Typed reading of variables, with errors that name variable and value."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._env = env

    def number(self, name: str, default: int, least: int, most: int) -> int:
        text = self._env.get(name) or str(default)
        if not text.isdecimal() or not least <= int(text) <= most:
            raise SettingError(f"{name}={text!r} is not a whole number from {least} to {most}")
        return int(text)

    def choice(self, name: str, choices: tuple[str, ...]) -> str:
        text = self._env.get(name) or choices[0]
        if text not in choices:
            raise SettingError(f"{name}={text!r} is not one of {', '.join(choices)}")
        return text

    def flag(self, name: str) -> bool:
        return self.choice(name, ("0", "1")) == "1"

    def address(self, name: str, text: str) -> tuple[str, int]:
        host, _, port = text.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise SettingError(f"{name}={text!r} is not host:port")
        return host, int(port)

    def addresses(self, name: str, text: str) -> str:
        for part in text.split(","):
            self.address(name, part.strip())
        return text
