"""The seed case published: how many events a second, and in how much memory."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping

import msgspec
from msgspec import Struct

from bench.process_usage import usage
from bench.seed_case.history import history
from cli.progress import Display
from connectors.publishing.publisher import BULK, connect
from schemas.connection import KafkaConnection
from schemas.envelope import decode_event


class Published(Struct, frozen=True):
    """What publishing took, the making of the events included: wall seconds, and megabytes of 10^6 bytes."""

    events: int
    seconds: float
    events_per_second: int
    peak_mb: float


def publish(kafka: KafkaConnection, seed: int, dossiers: int) -> Published:
    """Publish all of it, and return when Kafka has it; progress is told on standard error."""
    begun = time.monotonic()
    events = 0

    def far() -> str:
        return f"{events:,} events published, {events / (time.monotonic() - begun):,.0f} a second"

    with Display() as display, connect(kafka, BULK) as publisher:
        for line in history(seed, dossiers):
            publisher.publish(decode_event(line))
            events += 1
            display.tick(far)
        publisher.flush()
        seconds = time.monotonic() - begun
    return Published(events, round(seconds, 1), round(events / seconds), round(usage(os.getpid()).peak_mb, 1))


def publish_apart(kafka: KafkaConnection, seed: int, dossiers: int, environment: Mapping[str, str]) -> Published:
    """`publish` in a process of its own, whose memory holds nothing else; raises CalledProcessError."""
    options = ["--seed", str(seed), "--dossiers", str(dossiers), "--publish", kafka.bootstrap]
    command = [sys.executable, "-m", "bench.seed_case", *options]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    return msgspec.json.decode(done.stdout, type=Published)
