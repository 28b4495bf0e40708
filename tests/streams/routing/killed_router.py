"""A router that dies by SIGKILL before or after a step: `killed_router.py STEP before|after`, its Kafka by variables.

Dead letters go to a file, a line each: what ClickHouse would hold, without starting it.
"""

import json
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from connectors.inbox.event_record import events_of_record
from schemas.connection import KafkaConnection, Secret
from schemas.dead_letter import DeadLetter
from schemas.topics import INBOX
from streams.routing.session import Session

STEPS = ("_put_aside", "_begin", "_send", "_send_offsets", "_commit")


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(step: str, when: str, bootstrap: str, user: str, password: str, aside: str) -> None:
    """Route one batch, and die at the step."""

    def put_aside(letters: Sequence[DeadLetter]) -> None:
        with Path(aside).open("a") as file:
            file.writelines(json.dumps([each.partition, each.offset, each.line]) + "\n" for each in letters)

    kafka = KafkaConnection(bootstrap, "SASL_PLAINTEXT", "PLAIN", user, Secret(password))
    session = Session(kafka, INBOX, "killed", events_of_record, put_aside)
    real = getattr(session, step)

    def deadly(*arguments: Any) -> None:
        if when == "before":
            die()
        real(*arguments)
        die()

    setattr(session, step, deadly)
    end = time.monotonic() + 30
    while time.monotonic() < end:
        session.step(500)


if __name__ == "__main__":
    main(*sys.argv[1:])
