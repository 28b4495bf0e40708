"""What is read from the environment, and what is said where it is wrong."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cli.settings import NothingRuns, Settings
from cli.variables import VARIABLES
from deploy.embedded.generated_secrets import keep_secrets
from deploy.embedded.process_liveness import created
from deploy.embedded.state_file import PlatformState, write_state
from schemas.alerts import parse_levels
from schemas.connection import ClickHouseConnection, GrafanaConnection, KafkaConnection, Secret, Webhook
from schemas.deployment_profile import Profile
from schemas.errors import SettingError
from tests.cli.commands import Run


@pytest.fixture
def everything(tmp_path: Path) -> dict[str, str]:
    """Every variable, with a value that is not its default."""
    (tmp_path / "ca.pem").write_text("")
    (tmp_path / "profile.toml").write_text('terms = "date"')
    return {
        "DOSSIER_DATA": str(tmp_path / "data"),
        "DOSSIER_PROFILE": str(tmp_path / "profile.toml"),
        "DOSSIER_KAFKA": "one:9092, two:9093",
        "DOSSIER_KAFKA_SECURITY": "SASL_SSL",
        "DOSSIER_KAFKA_MECHANISM": "SCRAM-SHA-512",
        "DOSSIER_KAFKA_USER": "counter",
        "DOSSIER_KAFKA_PASSWORD": "secret-of-kafka",
        "DOSSIER_KAFKA_CA": str(tmp_path / "ca.pem"),
        "DOSSIER_CLICKHOUSE": "three:9440",
        "DOSSIER_CLICKHOUSE_USER": "writer",
        "DOSSIER_CLICKHOUSE_PASSWORD": "secret-of-clickhouse",
        "DOSSIER_CLICKHOUSE_TLS": "1",
        "DOSSIER_CLICKHOUSE_CA": str(tmp_path / "ca.pem"),
        "DOSSIER_DATABASE": "province_1",
        "DOSSIER_PARTITIONS": "16",
        "DOSSIER_REPLICATION": "3",
        "DOSSIER_REPLICATED": "1",
        "DOSSIER_BATCH_RECORDS": "7",
        "DOSSIER_BATCH_MILLISECONDS": "250",
        "DOSSIER_WINDOWS_MILLISECONDS": "500",
        "DOSSIER_FLUSH_MILLISECONDS": "0",
        "DOSSIER_CACHE_DOSSIERS": "9000",
        "DOSSIER_STATE": str(tmp_path / "local"),
        "DOSSIER_DEAD_LINES": "500",
        "DOSSIER_DEAD_RATIO": "0.25",
        "DOSSIER_METRICS": "127.0.0.1:9464",
        "DOSSIER_STALL_SECONDS": "90",
        "DOSSIER_GRAFANA": "https://grafana.example/sub",
        "DOSSIER_GRAFANA_TOKEN": "glsa_token",
        "DOSSIER_GRAFANA_CLICKHOUSE": "ch.inside:9000",
        "DOSSIER_GRAFANA_PASSWORD": "only reading",
        "DOSSIER_WEBHOOK": "https://alerts.example/late?token=x",
        "DOSSIER_WEBHOOK_SECRET": "a secret of some length",
        "DOSSIER_ALERT_LEVELS": "overdue, due-2h",
        "DOSSIER_ALERT_KEY": "a key of some length",
        "DOSSIER_LOG": "json",
    }


def test_every_variable_is_read(everything: dict[str, str], tmp_path: Path) -> None:
    # Passwords come from files in a test of their own.
    assert everything.keys() == {name for name in VARIABLES if not name.endswith("_PASSWORD_FILE")}
    settings = Settings.from_env(everything)
    ca = str(tmp_path / "ca.pem")
    assert settings == Settings(
        data=tmp_path / "data",
        profile_file=tmp_path / "profile.toml",
        kafka_address=KafkaConnection(
            *("one:9092,two:9093", "SASL_SSL", "SCRAM-SHA-512", "counter", Secret("secret-of-kafka"), ca)
        ),
        clickhouse_address=ClickHouseConnection(
            *("three", 9440, "writer", Secret("secret-of-clickhouse"), "province_1", True, ca)
        ),
        reader_password=Secret("only reading"),
        database="province_1",
        partitions=16,
        replication=3,
        replicated=True,
        batch_records=7,
        batch_seconds=0.25,
        windows_seconds=0.5,
        flush_seconds=0.0,
        cache_dossiers=9000,
        state=tmp_path / "local",
        dead_lines=500,
        dead_ratio=0.25,
        metrics=("127.0.0.1", 9464),
        stall_seconds=90,
        alert_levels=parse_levels("due-2h,overdue"),
        alert_key=Secret("a key of some length"),
        webhook=Webhook("https://alerts.example/late?token=x", Secret("a secret of some length")),
        grafana=GrafanaConnection(
            "https://grafana.example/sub",
            Secret("glsa_token"),
            ClickHouseConnection("ch.inside", 9000, "reader", Secret("only reading"), "province_1", secure=True),
        ),
        log="json",
    )
    assert settings.profile == Profile(terms="date")


def test_secrets_never_show(everything: dict[str, str]) -> None:
    settings = Settings.from_env(everything)
    for shown in (repr(settings), str(settings.kafka), f"{settings.clickhouse}"):
        assert "secret-of" not in shown
        assert "Secret('***')" in shown


def test_an_empty_variable_is_as_none(tmp_path: Path) -> None:
    data = {"DOSSIER_DATA": str(tmp_path)}
    assert Settings.from_env(dict.fromkeys(VARIABLES, "") | data) == Settings.from_env(data)


def test_local_state_lies_in_the_data_directory_unless_it_is_elsewhere_or_off(tmp_path: Path) -> None:
    data = {"DOSSIER_DATA": str(tmp_path)}
    assert Settings.from_env(data).state == tmp_path / "state"
    assert Settings.from_env(data | {"DOSSIER_STATE": "/fast/disk"}).state == Path("/fast/disk")
    assert Settings.from_env(data | {"DOSSIER_STATE": "off"}).state is None


@pytest.mark.parametrize(
    ("name", "value", "what"),
    [
        ("DOSSIER_KAFKA", "broker", "is not host:port"),
        ("DOSSIER_KAFKA", "one:9092,two", "is not host:port"),
        ("DOSSIER_KAFKA", "one:99999", "is not host:port"),
        ("DOSSIER_KAFKA_SECURITY", "TLS", "is not one of PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ("DOSSIER_KAFKA_MECHANISM", "GSSAPI", "is not one of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512"),
        ("DOSSIER_KAFKA_CA", "/nowhere/ca.pem", "is not a file"),
        ("DOSSIER_CLICKHOUSE", ":9000", "is not host:port"),
        ("DOSSIER_CLICKHOUSE", "http://three:8123/", "is not host:port"),
        ("DOSSIER_CLICKHOUSE_TLS", "yes", "is not one of 0, 1"),
        ("DOSSIER_CLICKHOUSE_CA", "/nowhere/ca.pem", "is not a file"),
        ("DOSSIER_DATABASE", "a`; DROP TABLE b", "is not a name of letters, digits and underscores"),
        ("DOSSIER_PARTITIONS", "eight", "is not a whole number from 1 to 1024"),
        ("DOSSIER_PARTITIONS", "0", "is not a whole number from 1 to 1024"),
        ("DOSSIER_REPLICATION", "-1", "is not a whole number from 1 to 9"),
        ("DOSSIER_REPLICATED", "true", "is not one of 0, 1"),
        ("DOSSIER_BATCH_RECORDS", "1e3", "is not a whole number from 1 to 100000"),
        ("DOSSIER_BATCH_MILLISECONDS", "9" * 5000, "is not a whole number from 1 to 60000"),
        ("DOSSIER_CACHE_DOSSIERS", "10", "is not a whole number from 1000 to 100000000"),
        ("DOSSIER_DEAD_LINES", "0", "is not a whole number from 1 to 1000000000"),
        *(
            ("DOSSIER_DEAD_RATIO", ratio, "is not a number from 0 to 1, such as 0.1")
            for ratio in ("1.1", "-0.1", "10%", "nan", "1e-1", ".", "0,1")
        ),
        ("DOSSIER_METRICS", "9464", "is not host:port"),
        ("DOSSIER_STALL_SECONDS", "1", "is not a whole number from 5 to 86400"),
        ("DOSSIER_LOG", "xml", "is not one of text, json"),
    ],
)
def test_a_wrong_value_is_told_with_its_variable(name: str, value: str, what: str) -> None:
    with pytest.raises(SettingError) as caught:
        Settings.from_env({name: value})
    assert str(caught.value) == f"{name}={value!r} {what}"
    assert caught.value.exit_code == 2


def test_a_level_that_is_none_is_told_by_name() -> None:
    with pytest.raises(SettingError, match=r"^DOSSIER_ALERT_LEVELS='due-1d,late': 'late' is no level: such as due-3d"):
        Settings.from_env({"DOSSIER_ALERT_LEVELS": "due-1d,late"})
    assert Settings.from_env({"DOSSIER_ALERT_LEVELS": "off"}).alert_levels == ()


@pytest.mark.parametrize(
    ("url", "secret", "what"),
    [
        ("alerts.example", "a secret of some length", "DOSSIER_WEBHOOK is not an address such as https://host/path"),
        ("https://me:pw@alerts.example/", "a secret of some length", "DOSSIER_WEBHOOK is not an address"),
        ("https://alerts.example/", "short", "DOSSIER_WEBHOOK_SECRET has 5 characters, it needs 16 or more"),
        ("https://alerts.example/", "", "DOSSIER_WEBHOOK_SECRET has 0 characters"),
        ("", "a secret of some length", "DOSSIER_WEBHOOK is not an address"),
    ],
)
def test_a_webhook_needs_an_address_and_a_secret_and_shows_neither(url: str, secret: str, what: str) -> None:
    with pytest.raises(SettingError, match=f"^{what}") as caught:
        Settings.from_env({"DOSSIER_WEBHOOK": url, "DOSSIER_WEBHOOK_SECRET": secret})
    assert "a secret" not in str(caught.value)
    assert "pw" not in str(caught.value)


def test_an_unknown_variable_is_taken_for_a_typing_error() -> None:
    with pytest.raises(SettingError, match=r"^DOSSIER_KAFKAS is not a setting of this program: `dossier settings`"):
        Settings.from_env({"DOSSIER_KAFKAS": "one:9092"})
    assert Settings.from_env({"KAFKA": "of another program"}).kafka_address is None


def running(data: Path) -> None:
    write_state(
        data,
        PlatformState(
            *(os.getpid(), created(os.getpid()), datetime(2026, 1, 5, tzinfo=UTC), "ready"),
            kafka="127.0.0.1:20001",
            clickhouse="127.0.0.1:20002",
        ),
    )


def test_the_embedded_servers_are_found_where_none_are_named(tmp_path: Path) -> None:
    running(tmp_path)
    secrets = keep_secrets(tmp_path)
    settings = Settings.from_env({"DOSSIER_DATA": str(tmp_path)})
    assert settings.kafka == secrets.kafka_at("127.0.0.1:20001")
    assert settings.clickhouse == secrets.clickhouse_at("127.0.0.1:20002")
    reader = Settings.from_env({"DOSSIER_DATA": str(tmp_path), "DOSSIER_CLICKHOUSE_USER": "reader"})
    assert reader.clickhouse == secrets.clickhouse_at("127.0.0.1:20002", "reader")
    grafana = Settings.from_env({"DOSSIER_DATA": str(tmp_path), "DOSSIER_GRAFANA": "https://g"}).grafana
    assert grafana
    assert grafana.reader.password == reader.reader_password == secrets.reader


def test_the_secrets_of_the_embedded_servers_go_nowhere_else(tmp_path: Path) -> None:
    running(tmp_path)
    secrets = keep_secrets(tmp_path)
    env = {"DOSSIER_DATA": str(tmp_path), "DOSSIER_KAFKA": "one:9092", "DOSSIER_CLICKHOUSE": "two:9000"}
    settings = Settings.from_env(env | {"DOSSIER_GRAFANA": "https://g"})
    assert settings.kafka == KafkaConnection("one:9092")
    assert settings.clickhouse == ClickHouseConnection("two", 9000)
    assert settings.grafana
    assert settings.grafana.reader.password == settings.reader_password == Secret()
    named = Settings.from_env(env | {"DOSSIER_KAFKA": "127.0.0.1:20001", "DOSSIER_CLICKHOUSE": "127.0.0.1:20002"})
    assert (named.kafka.password, named.clickhouse.password) == (secrets.kafka, secrets.owner)


def test_a_platform_whose_secrets_are_lost_can_still_be_told_of(tmp_path: Path) -> None:
    running(tmp_path)
    assert Settings.from_env({"DOSSIER_DATA": str(tmp_path)}).clickhouse.password == Secret()


def test_a_password_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("hunter2\n")
    file = str(tmp_path / "password")
    named = {"DOSSIER_CLICKHOUSE": "two:9000", "DOSSIER_CLICKHOUSE_PASSWORD_FILE": file}
    assert Settings.from_env(named).clickhouse.password == Secret("hunter2")
    kafka = {"DOSSIER_KAFKA": "one:9092", "DOSSIER_KAFKA_SECURITY": "SASL_SSL", "DOSSIER_KAFKA_PASSWORD_FILE": file}
    assert Settings.from_env(kafka).kafka.password == Secret("hunter2")
    with pytest.raises(SettingError, match="DOSSIER_KAFKA_PASSWORD and DOSSIER_KAFKA_PASSWORD_FILE are both set"):
        Settings.from_env(kafka | {"DOSSIER_KAFKA_PASSWORD": "hunter3"})
    with pytest.raises(SettingError, match="DOSSIER_KAFKA_PASSWORD_FILE='/not/there' cannot be read"):
        Settings.from_env(kafka | {"DOSSIER_KAFKA_PASSWORD_FILE": "/not/there"})


def test_a_named_server_goes_before_the_embedded_one(tmp_path: Path) -> None:
    running(tmp_path)
    settings = Settings.from_env({"DOSSIER_DATA": str(tmp_path), "DOSSIER_KAFKA": "one:9092"})
    assert (settings.kafka.bootstrap, settings.clickhouse.address) == ("one:9092", "127.0.0.1:20002")


@pytest.mark.parametrize("service", ["kafka", "clickhouse"])
def test_where_nothing_runs_it_says_what_to_do(tmp_path: Path, service: str) -> None:
    settings = Settings.from_env({"DOSSIER_DATA": str(tmp_path)})
    with pytest.raises(NothingRuns) as caught:
        getattr(settings, service)
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        f"no platform runs in {tmp_path}: start one with `dossier up --data {tmp_path}`, "
        f"or set DOSSIER_{service.upper()} to host:port"
    )


def test_the_profile_is_that_of_the_data_directory_unless_another_is_named(tmp_path: Path) -> None:
    data = {"DOSSIER_DATA": str(tmp_path)}
    assert Settings.from_env(data).profile == Profile()
    (tmp_path / "profile.toml").write_text('terms = "date"')
    assert Settings.from_env(data).profile == Profile(terms="date")
    (tmp_path / "other.toml").write_text('time_zone = "UTC"')
    named = data | {"DOSSIER_PROFILE": str(tmp_path / "other.toml")}
    assert Settings.from_env(named).profile == Profile(time_zone="UTC")


def test_a_broken_profile_is_told_when_it_is_needed_and_not_before(tmp_path: Path) -> None:
    (tmp_path / "profile.toml").write_text('terms = "week"')
    settings = Settings.from_env({"DOSSIER_DATA": str(tmp_path)})
    assert settings.partitions == 8
    with pytest.raises(SettingError, match=r"profile\.toml: terms = 'week': "):
        _ = settings.profile


def test_a_profile_that_is_not_there_is_told_with_what_names_it(tmp_path: Path) -> None:
    settings = Settings.from_env({"DOSSIER_PROFILE": str(tmp_path / "none.toml")})
    with pytest.raises(SettingError) as caught:
        _ = settings.profile
    assert str(caught.value) == (
        f"{tmp_path / 'none.toml'}, named by DOSSIER_PROFILE, cannot be read: No such file or directory"
    )


def test_a_short_key_of_alerts_is_refused() -> None:
    with pytest.raises(SettingError, match="DOSSIER_ALERT_KEY has 5 characters, it needs 16 or more"):
        Settings.from_env({"DOSSIER_ALERT_KEY": "short"})
    assert Settings.from_env({}).alert_key is None


def test_settings_lists_every_variable_and_what_is_in_force(dossier: Run, tmp_path: Path) -> None:
    ended = dossier("settings", kafka="one:9092", kafka_password="secret-of-kafka")  # noqa: S106  # made up
    assert ended.code == 0
    assert [line.split()[0] for line in ended.out.splitlines()[: len(VARIABLES)]] == list(VARIABLES)
    assert ended.out.splitlines()[len(VARIABLES) + 1 :] == [
        f"data directory  {tmp_path / 'data'}",
        "rules           v3 terms=instant time_zone=Asia/Ho_Chi_Minh",
        "kafka           one:9092",
        "clickhouse      none runs",
    ]
    assert "secret-of" not in ended.out
