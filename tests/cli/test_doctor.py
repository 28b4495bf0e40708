"""`dossier doctor` says what is wrong, and what to do about it."""

import signal
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from msgspec import structs

from deploy.embedded.state_file import PlatformState, ProcessState, write_state
from schemas.connection import ClickHouseConnection, KafkaConnection
from streams.broker.group import members
from streams.storage.clickhouse_client import connect
from tests.cli.commands import AWAY, Ended, Run, apart

SUBJECTS = (
    *("program", "profile", "platform", "disk", "kafka"),
    *("topics", "clickhouse", "tables", "access", "identity", "terms", "offsets", "records", "state", "workers"),
)


def findings(ended: Ended) -> dict[str, tuple[str, str]]:
    """What was found of each subject: `ok`, `wrong` or `skip`, and the text."""
    assert ended.err == ""
    lines = [line.split(maxsplit=2) for line in ended.out.splitlines()]
    assert tuple(line[1] for line in lines) == SUBJECTS
    return {subject: (mark, seen) for mark, subject, seen in lines}


def wrong(found: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {subject: seen for subject, (mark, seen) in found.items() if mark == "wrong"}


def test_where_nothing_runs_it_says_how_to_start(dossier: Run, tmp_path: Path) -> None:
    ended = dossier("doctor")
    assert ended.code == 1
    found = wrong(findings(ended))
    assert found.keys() == {*SUBJECTS} - {"program", "profile", "platform", "disk"}
    assert found["kafka"].startswith(f"no platform runs in {tmp_path / 'data'}: start one with `dossier up --data ")
    assert found["topics"] == "cannot be checked before this is right: kafka"
    assert found["workers"] == "cannot be checked before this is right: clickhouse, kafka"


def test_a_broken_profile_is_named_with_its_key_and_value(dossier: Run, tmp_path: Path) -> None:
    (tmp_path / "wrong.toml").write_text('time_zone = "Hanoi"')
    found = wrong(findings(dossier("doctor", profile=tmp_path / "wrong.toml")))
    assert "wrong.toml: time_zone = 'Hanoi'" in found["profile"]
    assert found["tables"] == "cannot be checked before this is right: clickhouse, profile"


def test_a_worker_that_is_started_again_and_again_is_not_well_because_it_runs_just_now(
    dossier: Run, tmp_path: Path
) -> None:
    worker = ProcessState("worker-1", "ready", "worker-1.log", 1, time.time(), restarts=4, reason="ended with 4: why")
    own = psutil.Process()
    (tmp_path / "data").mkdir()
    platform = PlatformState(own.pid, own.create_time(), datetime.now(UTC), "ready", processes=(worker,))
    write_state(tmp_path / "data", platform)
    found = findings(dossier("doctor"))
    said = "worker-1 was restarted 4 times, last because it ended with 4: why"
    assert found["platform"] == ("wrong", said)
    steady = structs.replace(worker, created=time.time() - 3600)
    write_state(tmp_path / "data", structs.replace(platform, processes=(steady,)))
    assert findings(dossier("doctor"))["platform"][0] == "ok"


@pytest.mark.kafka
@pytest.mark.clickhouse
class TestServices:
    def test_all_is_well_until_the_last_worker_is_gone(
        self, dossier: Run, deployed: dict[str, str], kafka: KafkaConnection, worker: subprocess.Popen[str]
    ) -> None:
        ended = dossier("doctor", **deployed)
        found = findings(ended)
        assert (ended.code, wrong(found)) == (0, {})
        assert found["terms"] == ("ok", "decided by the built-in calendar")
        assert found["kafka"][1].endswith(f"at {deployed['kafka']}, 1 broker(s)")
        assert (
            found["topics"][1]
            == "dossier-events (8), dossier-events-dead (1), dossier-alerts (1), dossier-imports (1), "
            "dossier-inbox (4)"
        )
        assert found["clickhouse"][1].endswith(f"at {deployed['clickhouse']}")
        assert found["access"] == (
            "skip",
            "not compared: ClickHouse shows no user `reader`, and DOSSIER_GRAFANA_PASSWORD, its password, is not set",
        )
        assert found["identity"][1] == "dossier-events, 8 partitions, epoch 1"
        assert found["offsets"][1] == "topic, group and counts agree"
        assert found["records"][1] == "all records to count can be read, no transaction is open"
        assert found["workers"][1] == "1 running, 0 of 0 records to count"

        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=30) == 0
        deadline = time.monotonic() + 30
        while members(kafka):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        ended = dossier("doctor", **deployed)
        assert ended.code == 1
        assert wrong(findings(ended)) == {"workers": "none runs and 0 records wait: start one with `dossier work`"}

    def test_the_reader_is_tried_where_its_password_is_known(
        self, dossier: Run, deployed: dict[str, str], clickhouse_reader: ClickHouseConnection
    ) -> None:
        password = clickhouse_reader.password.reveal()
        found = findings(dossier("doctor", grafana_password=password, **deployed))
        assert found["access"] == ("ok", "`reader` is as declared, judged by what it can do")
        ended = dossier("doctor", grafana_password="another", **deployed)  # noqa: S106  # made up
        lines = ended.out.splitlines()
        (line,) = [number for number, each in enumerate(lines) if each.startswith("wrong  access")]
        assert "refuses the password that is known: run this SQL as an administrator" in lines[line]
        assert lines[line + 1].strip() == "CREATE SETTINGS PROFILE IF NOT EXISTS reader SETTINGS"
        assert ended.code == 1

    @pytest.mark.parametrize(
        ("service", "name", "unseen"),
        [
            ("kafka", "Kafka", {"topics", "identity", "workers"}),
            ("clickhouse", "ClickHouse", {"tables", "identity", "workers"}),
        ],
    )
    def test_a_service_that_is_away_is_said_once(
        self, deployed: dict[str, str], tmp_path: Path, service: str, name: str, unseen: set[str]
    ) -> None:
        ended = apart("doctor", data=tmp_path, **deployed | {service: AWAY})
        assert ended.code == 1
        found = wrong(findings(ended))
        for subject in ("terms", "offsets", "state"):
            assert found.pop(subject) == "cannot be checked before this is right: identity"
        if service == "clickhouse":
            assert found.pop("access") == "cannot be checked before this is right: tables"
        assert found.pop("records") == "cannot be checked before this is right: offsets"
        assert found.keys() == {service, *unseen}
        assert found[service].startswith(f"{name} at {AWAY} does not answer")
        assert f"start it, or correct DOSSIER_{name.upper()}" in found[service]
        assert {found[subject] for subject in unseen} == {f"cannot be checked before this is right: {service}"}

    def test_a_view_that_was_replaced_and_a_trigger_that_was_put_in(
        self, dossier: Run, deployed: dict[str, str], clickhouse_server: ClickHouseConnection
    ) -> None:
        client = connect(structs.replace(clickhouse_server, database=deployed["database"]))
        client.execute(
            "CREATE OR REPLACE VIEW data_age AS SELECT now64(3) AS published_at, 0 AS seconds, '' AS published_local"
        )
        client.execute("CREATE MATERIALIZED VIEW rogue TO windows AS SELECT 'H01' AS agency, 5 AS resolved FROM events")
        found = wrong(findings(dossier("doctor", **deployed)))
        assert found["tables"].startswith("view data_age says `now64(3) AS published_at 0 AS seconds ")
        assert " is declared" in found["tables"]
        assert ": run `dossier migrate`; materialized view " in found["tables"]
        assert "rogue writes into windows, which nothing declares: DROP VIEW" in found["tables"]
        ended = dossier("migrate", **deployed)
        assert ended.out.startswith("repair: view data_age says ")
        assert ended.err.startswith("differs, left as it is: materialized view ")
        client.execute("DROP VIEW rogue")
        assert dossier("migrate", **deployed).out == "nothing to do: topics, tables and views are as declared\n"
        client.disconnect()

    def test_what_was_not_migrated(self, dossier: Run, deployed: dict[str, str]) -> None:
        ended = dossier("doctor", **deployed | {"database": "never_made"})
        assert ended.code == 1
        found = wrong(findings(ended))
        assert found["tables"].startswith("database never_made lacks 0001_events.sql, 0002_facts.sql, ")
        assert found["tables"].endswith("run `dossier migrate`")
        assert found["identity"].endswith("run `dossier migrate`")

    def test_rules_that_are_not_those_of_the_counts(
        self, dossier: Run, deployed: dict[str, str], tmp_path: Path
    ) -> None:
        (tmp_path / "date.toml").write_text('terms = "date"')
        found = wrong(findings(dossier("doctor", profile=tmp_path / "date.toml", **deployed)))
        assert found["identity"].endswith("count anew by these rules with `dossier rebuild`")
