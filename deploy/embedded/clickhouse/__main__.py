"""`python -m deploy.embedded.clickhouse DATA_DIR --port N`: serve until SIGTERM or SIGINT.

Exit codes: 0 when told to stop, 2 when the port or the directory cannot be used.
"""

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from schemas.errors import DossierError


def main() -> int:
    """Run the server in this process."""
    parser = argparse.ArgumentParser(prog="deploy.embedded.clickhouse", description="An embedded ClickHouse server.")
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--port", type=int, default=9000, help="0 takes a free one; the first line of output tells it")
    parser.add_argument("--host", default="127.0.0.1", help="loopback: passwords are sent as they are")
    parser.add_argument("--secrets", type=Path, metavar="DIR", help="the users' passwords; without, they have none")
    parser.add_argument("--readable", action="append", metavar="DATABASE", help="what the reader may read; NAME* too")
    parser.add_argument("--timezone", default="UTC", help="the server's time zone")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())

    # The engine is loaded only once the arguments are known to be right.
    from deploy.embedded.clickhouse.server import Server
    from deploy.embedded.clickhouse.users import DEFAULT_USERS, READABLE
    from deploy.embedded.clickhouse.users import users as make_users
    from deploy.embedded.generated_secrets import read_secrets

    try:
        users = DEFAULT_USERS
        if arguments.secrets:
            secrets = read_secrets(arguments.secrets)
            users = make_users(secrets.owner.reveal(), secrets.reader.reveal())
        readable = arguments.readable or READABLE
        server = Server(arguments.data, arguments.port, arguments.host, arguments.timezone, users, readable)
    except DossierError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    with server:
        print(f"ClickHouse {server.engine.version} listens on {arguments.host}:{server.port}", flush=True)
        stop.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
