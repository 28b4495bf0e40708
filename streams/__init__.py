"""Streams: counting events exactly, and everything that keeps the counts right. Imports point downwards in this order.

audit, rebuild, worker, (alerts, dead_letters, reports), storage, broker, (http, monitoring, queries), counting, errors.
"""

import os

# ClickHouse's driver reads it when imported. Otherwise it makes an object for each day of 400 years, at each start.
os.environ.setdefault("CLICKHOUSE_DRIVER_LASY_DATE_LUT", "1970-01-01:1970-01-01")
