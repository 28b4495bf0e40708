"""The real ClickHouse engine behind ClickHouse's native TCP protocol, in one process.

Start it with `python -m deploy.embedded.clickhouse DATA_DIR --port N`, or as a context manager, `server.Server(...)`.
"""
