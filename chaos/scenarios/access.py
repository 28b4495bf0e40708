"""Attacks by readers and by clients without a password; and a copy of the data directory beside the original."""

import shutil
import stat
from contextlib import closing, suppress

from clickhouse_driver import Client
from clickhouse_driver.errors import Error, ServerException

from chaos.deployment import Deployment
from chaos.run_scale import Scale
from deploy.embedded.generated_secrets import FOLDER, read_secrets
from deploy.embedded.platform import Options, Platform
from deploy.embedded.stop import stop_platform
from schemas.connection import ClickHouseConnection, KafkaConnection
from schemas.reader_access import OWNER, READER
from streams.broker import topics
from streams.errors import Unreachable

ATTACKS = (
    "SELECT * FROM file('/etc/hostname', LineAsString)",
    "SELECT file('/proc/self/environ')",
    "SELECT * FROM sqlite('{data}/clickhouse/metadata/x.sql', 't')",
    "SELECT * FROM url('http://127.0.0.1:1/', LineAsString)",
    "SELECT * APPLY(file) FROM events",
    "SELECT 1 INTO OUTFILE '{data}/clickhouse/metadata/x.sql'",
    "CREATE TEMPORARY TABLE x (a String) ENGINE = File(TSV, '{data}/clickhouse/metadata/x.sql')",
    "INSERT INTO windows SELECT * FROM windows",
    "DROP TABLE windows",
    "SELECT * FROM system.processes",
    "SELECT groupArray(number) FROM numbers(1000000000) SETTINGS max_memory_usage = 0",
    "SET ROLE ALL",
    "SYSTEM SHUTDOWN",
)


def readers_and_strangers(deployment: Deployment, scale: Scale) -> int:
    """A reader tries all it can, and others come without a password, while events are counted."""
    deployment.send(scale.slice)
    secrets = read_secrets(deployment.data / FOLDER)
    with closing(_client(secrets.clickhouse_at(deployment.clickhouse.address, READER))) as reader:
        for attack in ATTACKS:
            _assert_refused(reader, attack.format(data=deployment.data))
        assert reader.execute("SELECT count() >= 0 FROM events") == [(1,)]
    assert not (deployment.data / "clickhouse" / "metadata" / "x.sql").exists()
    for user in (OWNER, READER):
        with closing(_client(ClickHouseConnection("127.0.0.1", deployment.clickhouse.port, user))) as stranger:
            _assert_refused(stranger, "SELECT 1")
    with suppress(Unreachable), topics.admin(KafkaConnection(deployment.kafka.bootstrap)):
        raise AssertionError("Kafka takes a client without a password")
    assert stat.S_IMODE(deployment.data.stat().st_mode) == 0o700
    return len(ATTACKS) + 3


def directory_copied(deployment: Deployment, scale: Scale) -> int:
    """Everything is copied; the copy is stopped, started and stopped again beside the original, which counts on."""
    deployment.send(scale.slice)
    deployment.await_counted()
    deployment.platform.close()
    copy = deployment.data.with_name(f"{deployment.data.name}-copy")
    shutil.copytree(deployment.data, copy, symlinks=True)
    deployment.restart(2)
    # A state file of a platform that runs, and that is not the copy's.
    shutil.copy2(deployment.data / "platform.json", copy)
    before = {each.name: each.pid for each in deployment.platform.state.processes}
    try:
        assert not stop_platform(copy)
        with Platform(copy, Options()) as other:
            assert not {other.kafka, other.clickhouse} & {deployment.platform.kafka, deployment.platform.clickhouse}
            assert other.clickhouse_access.password != deployment.clickhouse.password
            deployment.send(scale.slice)
            with closing(_client(other.clickhouse_access)) as client:
                assert client.execute("SELECT count() > 0 FROM events") == [(1,)]
        assert {each.name: each.pid for each in deployment.platform.state.processes} == before
    finally:
        shutil.rmtree(copy, ignore_errors=True)
    return 3


def _client(clickhouse: ClickHouseConnection) -> Client:
    login = {"user": clickhouse.user, "password": clickhouse.password.reveal(), "database": clickhouse.database}
    client = Client(clickhouse.host, clickhouse.port, **login)
    client.close = client.disconnect
    return client


def _assert_refused(client: Client, sql: str) -> None:
    try:
        client.execute(sql)
    except ServerException:
        return
    except Error as error:
        raise AssertionError(f"{sql}: {error}") from error
    raise AssertionError(f"not refused: {sql}")
