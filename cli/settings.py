"""The settings of every command, read once into one frozen value, and `dossier settings`, which shows them.

Nothing else reads the environment.
"""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import click
from msgspec import Struct, structs

from cli.variables import KAFKA_LOGIN, VARIABLES, Variables
from deploy.embedded.data_lock import is_locked
from deploy.embedded.deployment_profile_file import PROFILE
from deploy.embedded.generated_secrets import FOLDER, Secrets, read_secrets
from deploy.embedded.state_file import PlatformState, read_state
from deploy.errors import UnusableData
from schemas.alerts import Level
from schemas.connection import ClickHouseConnection, GrafanaConnection, KafkaConnection, Secret, Webhook
from schemas.deployment_profile import Profile, decode_profile
from schemas.errors import DossierError, SettingError
from schemas.reader_access import OWNER, READER
from streams.counting.dead_letter_limit import DEFAULT_LIMIT


class NothingRuns(SettingError):
    """No addresses are known: start the embedded platform or name real servers."""

    exit_code = 3


class Settings(Struct, frozen=True, dict=True):
    """Addresses, credentials, limits and batch sizes.

    `data` is the data directory of the embedded platform. Addresses that are not given come from it, and so does the
    profile unless `profile_file` names one. `state` is the directory of the workers' local state, if they have any.
    """

    data: Path
    profile_file: Path | None
    kafka_address: KafkaConnection | None
    clickhouse_address: ClickHouseConnection | None
    reader_password: Secret
    database: str
    partitions: int
    replication: int
    replicated: bool
    batch_records: int
    batch_seconds: float
    windows_seconds: float
    flush_seconds: float
    cache_dossiers: int
    state: Path | None
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
        """The deployment profile, read on first use: a broken one does not stop commands that need none.

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
            raise NothingRuns(self._no_address("DOSSIER_KAFKA"))
        return self.kafka_address

    @property
    def clickhouse(self) -> ClickHouseConnection:
        """The ClickHouse to use; raises NothingRuns where none is known."""
        if self.clickhouse_address is None:
            raise NothingRuns(self._no_address("DOSSIER_CLICKHOUSE"))
        return self.clickhouse_address

    def _no_address(self, variable: str) -> str:
        if is_locked(self.data):
            return unknown_platform(self.data)
        start = f"dossier up --data {self.data}"
        return f"no platform runs in {self.data}: start one with `{start}`, or set {variable} to host:port"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Read the environment; raises SettingError naming the variable and its value."""
        ours = {name: value for name, value in env.items() if name.startswith("DOSSIER_")}
        for name in ours:
            if name not in VARIABLES:
                raise SettingError(f"{name} is not a setting of this program: `dossier settings` lists them")
        read = Variables(ours)
        data = Path(ours.get("DOSSIER_DATA") or "data").absolute()
        state = read_state(data)
        secrets = _secrets(data, state)
        kafka = KafkaConnection(
            bootstrap=read.addresses("DOSSIER_KAFKA", state.kafka if state else ""),
            security=read.choice("DOSSIER_KAFKA_SECURITY", ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")),
            mechanism=read.choice("DOSSIER_KAFKA_MECHANISM", ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")),
            user=ours.get("DOSSIER_KAFKA_USER", ""),
            password=read.secret("DOSSIER_KAFKA_PASSWORD"),
            ca_file=read.file("DOSSIER_KAFKA_CA"),
        )
        # The embedded platform's secrets go to its own addresses and nowhere else.
        if state and kafka.bootstrap == state.kafka and not any(ours.get(name) for name in KAFKA_LOGIN):
            kafka = secrets.kafka_at(kafka.bootstrap)
        clickhouse = ClickHouseConnection(
            *read.address("DOSSIER_CLICKHOUSE", state.clickhouse if state else ""),
            user=ours.get("DOSSIER_CLICKHOUSE_USER") or OWNER,
            password=read.secret("DOSSIER_CLICKHOUSE_PASSWORD"),
            database=read.identifier("DOSSIER_DATABASE", "dossiers"),
            secure=read.flag("DOSSIER_CLICKHOUSE_TLS"),
            ca_file=read.file("DOSSIER_CLICKHOUSE_CA"),
        )
        is_embedded = state is not None and clickhouse.address == state.clickhouse
        if is_embedded and clickhouse.user in (OWNER, READER) and not clickhouse.password.reveal():
            own = secrets.clickhouse_at(clickhouse.address, clickhouse.user)
            clickhouse = structs.replace(clickhouse, password=own.password)
        reader = Secret(ours.get("DOSSIER_GRAFANA_PASSWORD") or (secrets.reader.reveal() if is_embedded else ""))
        profile = ours.get("DOSSIER_PROFILE")
        return cls(
            data=data,
            profile_file=Path(profile).absolute() if profile else None,
            kafka_address=kafka if kafka.bootstrap else None,
            clickhouse_address=clickhouse if clickhouse.host else None,
            reader_password=reader,
            database=clickhouse.database,
            partitions=read.number("DOSSIER_PARTITIONS", 8, 1, 1024),
            replication=read.number("DOSSIER_REPLICATION", 1, 1, 9),
            replicated=read.flag("DOSSIER_REPLICATED"),
            batch_records=read.number("DOSSIER_BATCH_RECORDS", 64, 1, 100_000),
            batch_seconds=read.number("DOSSIER_BATCH_MILLISECONDS", 100, 1, 60_000) / 1000,
            windows_seconds=read.number("DOSSIER_WINDOWS_MILLISECONDS", 200, 0, 60_000) / 1000,
            flush_seconds=read.number("DOSSIER_FLUSH_MILLISECONDS", 2000, 0, 60_000) / 1000,
            cache_dossiers=read.number("DOSSIER_CACHE_DOSSIERS", 150_000, 1000, 100_000_000),
            state=_state(ours.get("DOSSIER_STATE", ""), data),
            dead_lines=read.number("DOSSIER_DEAD_LINES", DEFAULT_LIMIT.lines, 1, 1_000_000_000),
            dead_ratio=read.ratio("DOSSIER_DEAD_RATIO", DEFAULT_LIMIT.ratio),
            metrics=read.address("DOSSIER_METRICS") if ours.get("DOSSIER_METRICS") else None,
            stall_seconds=read.number("DOSSIER_STALL_SECONDS", 60, 5, 86_400),
            alert_levels=read.levels("DOSSIER_ALERT_LEVELS"),
            alert_key=read.signing_key("DOSSIER_ALERT_KEY"),
            webhook=read.webhook("DOSSIER_WEBHOOK", "DOSSIER_WEBHOOK_SECRET"),
            grafana=_grafana(read, ours, clickhouse, reader),
            log=read.choice("DOSSIER_LOG", ("text", "json")),
        )


def unknown_platform(data: Path) -> str:
    """The message about a data directory whose platform this command does not know."""
    return (
        f"a platform of a former version, or of another machine or container, uses {data}: "
        f"`dossier down --data {data}` stops one of a former version; stop any other where it was started"
    )


def read_profile(path: Path, named_by: str) -> Profile:
    """The profile in this file; raises SettingError, also where the option or variable `named_by` names no file."""
    try:
        return decode_profile(path.read_bytes(), str(path))
    except OSError as error:
        raise SettingError(f"{path}, named by {named_by}, cannot be read: {error.strerror}") from error


def _state(text: str, data: Path) -> Path | None:
    """The directory of the workers' local state; None where it is switched off."""
    return None if text == "off" else Path(text or data / "state").absolute()


def _secrets(data: Path, state: PlatformState | None) -> Secrets:
    # `status` and `down` work also where the secrets are lost.
    try:
        return read_secrets(data / FOLDER) if state else Secrets()
    except UnusableData:
        return Secrets()


def _grafana(
    read: Variables, ours: Mapping[str, str], clickhouse: ClickHouseConnection, password: Secret
) -> GrafanaConnection | None:
    url = read.url("DOSSIER_GRAFANA")
    if not url:
        return None
    host, port = read.address("DOSSIER_GRAFANA_CLICKHOUSE", clickhouse.address if clickhouse.host else "")
    reader = ClickHouseConnection(host, port, READER, password, clickhouse.database, clickhouse.secure)
    return GrafanaConnection(url, Secret(ours.get("DOSSIER_GRAFANA_TOKEN", "")), reader)


@click.command("settings")
@click.pass_obj
def command(settings: Settings) -> None:
    """List the environment variables that are read, and the settings in force."""
    for name, meaning in VARIABLES.items():
        click.echo(f"{name:<31} {meaning}")
    try:
        rules = settings.profile.rules
    except DossierError as error:
        rules = f"wrong: {error}"
    click.echo(f"\ndata directory  {settings.data}\nrules           {rules}")
    kafka, clickhouse = settings.kafka_address, settings.clickhouse_address
    click.echo(f"kafka           {kafka.bootstrap if kafka else 'none runs'}")
    click.echo(f"clickhouse      {clickhouse.address if clickhouse else 'none runs'}")
