"""The embedded ClickHouse server as a supervised program: how it is started, and when it is ready."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from deploy.embedded.generated_secrets import FOLDER
from deploy.embedded.ports import listens
from deploy.embedded.process import Program
from schemas.connection import ClickHouseConnection


def clickhouse_server(data: Path, clickhouse: ClickHouseConnection, log: Path, readable: Sequence[str]) -> Program:
    """The server; `readable` are the databases that its reader may read."""
    folder = str(data / "clickhouse")
    command = (sys.executable, "-m", "deploy.embedded.clickhouse", folder, "--port", str(clickhouse.port))
    names = (argument for name in readable for argument in ("--readable", name))
    return Program(
        name="clickhouse",
        argv=(*command, "--secrets", str(data / FOLDER), *names),
        log=log,
        folder=data,
        address=clickhouse.address,
        ready=lambda: answers_query(clickhouse),
    )


def answers_query(clickhouse: ClickHouseConnection) -> bool:
    """Whether ClickHouse answers `SELECT 1`; takes about two seconds at most."""
    # See streams/__init__.py: otherwise the driver takes five times as long to import.
    os.environ.setdefault("CLICKHOUSE_DRIVER_LASY_DATE_LUT", "1970-01-01:1970-01-01")
    from clickhouse_driver import Client
    from clickhouse_driver.errors import Error

    if not listens(clickhouse.port):
        return False
    login = {"user": clickhouse.user, "password": clickhouse.password.reveal()}
    limits = {"connect_timeout": 1, "send_receive_timeout": 2, "sync_request_timeout": 1}
    client = Client(clickhouse.host, port=clickhouse.port, **login, **limits)
    try:
        return bool(client.execute("SELECT 1") == [(1,)])
    except (Error, OSError, EOFError):
        return False
    finally:
        client.disconnect()
