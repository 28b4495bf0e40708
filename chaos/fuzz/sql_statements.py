"""Hostile SQL: statements in unusual spellings that must do no harm."""

from collections.abc import Callable
from random import Random

from chaos.fuzz.byte_mutation import mutated

QUERIES = (
    "SELECT 1",
    "SELECT * FROM fuzz.known LIMIT 3",
    "SELECT count(), sum(n) FROM fuzz.known WHERE s LIKE '%7%'",
    "SELECT toDateTime(n, 'Asia/Ho_Chi_Minh') AS at, [s, s] FROM fuzz.known LIMIT 9",
    "SELECT CAST('a' AS LowCardinality(String))",
    "WITH 3 AS x SELECT x, number FROM numbers(5) FORMAT JSON",
    "SELECT NULL, [], map('a', 1), (1, 'x')",
    "SHOW TABLES FROM fuzz",
    "DESCRIBE TABLE fuzz.known",
    "EXPLAIN SELECT 1",
    "EXISTS TABLE fuzz.nowhere",
    "SELECT * FROM fuzz.nowhere",
    "SELECT nothing",
    "SELECT throwIf(number = 3) FROM numbers(9)",
    "SELECT 1; SELECT 2",
    "SELECT 1;;",
    "SELECT 'unclosed",
    "SELECT `unclosed",
    "SELECT 1 /* unclosed",
    "SELECT 1 -- \n",
    "/**/",
    ";",
    "",
    " ",
    "SELECT $$a'b$$",
    "SELECT $tag$ unclosed",
    "(SELECT 1)",
    "SELECT 1 INTO OUTFILE '/tmp/never'",
    "SELECT 1 WITH TOTALS",
    "SELECT getSetting('readonly')",
    "SELECT {p:UInt8}",
    "SET max_block_size = 1",
    "SET nonsense = 1",
    "SET readonly = 1",
    "USE fuzz",
    "USE nowhere",
    "SYSTEM FLUSH LOGS ON CLUSTER c",
    "CREATE TEMPORARY TABLE t (x UInt8)",
    "DROP TEMPORARY TABLE IF EXISTS t",
    "INSERT INTO fuzz.nowhere VALUES (1)",
    "INSERT INTO FUNCTION null('x UInt8') VALUES (1)",
    "GRANT ALL ON *.* TO default",
    "SELECT toTypeName(CAST('{}' AS JSON))",
    "SELECT CAST('{\"a\":1}' AS JSON) AS j, now('UTC')",
    "SELECT sumState(1), now('UTC')",
    "SELECT * FROM file('/etc/shadow/x', 'CSV', 'x String')",
    "SELECT * FROM remote('127.0.0.1:1', system.one)",
    "ATTACH TABLE x",
)
"""Statements of a user with all rights, harmless in every variant."""
FORBIDDEN = (
    "DROP DATABASE fuzz",
    "DROP TABLE fuzz.known",
    "TRUNCATE TABLE fuzz.known",
    "ALTER TABLE fuzz.known DELETE WHERE 1",
    "INSERT INTO fuzz.known VALUES (1, 'x')",
    "INSERT INTO fuzz.known SELECT 1, 'x'",
    "RENAME TABLE fuzz.known TO fuzz.gone",
    "OPTIMIZE TABLE fuzz.known FINAL",
    "SYSTEM SHUTDOWN",
    "SYSTEM KILL",
    "KILL QUERY WHERE 1 SYNC",
    "SET readonly = 0",
    "CREATE TABLE fuzz.t (x UInt8) ENGINE = Memory",
    "CREATE DATABASE elsewhere",
    "DETACH DATABASE fuzz",
    "EXCHANGE TABLES fuzz.known AND fuzz.cut",
    "SYSTEM DROP MARK CACHE",
    "DELETE FROM fuzz.known WHERE 1",
    "UPDATE fuzz.known SET n = 0 WHERE 1",
    "ATTACH DATABASE fuzz",
    "BACKUP TABLE fuzz.known TO Null",
    "CREATE USER u",
    "UNDROP TABLE fuzz.known",
    "ALTER DATABASE fuzz MODIFY COMMENT 'x'",
    "SYSTEM STOP MERGES",
    "EXPLAIN SYSTEM SHUTDOWN",
    "WITH 1 AS x INSERT INTO fuzz.known SELECT 1, 'x'",
    "INSERT INTO FUNCTION file('/tmp/never.csv', 'CSV', 'x UInt8') VALUES (1)",
)
"""Statements that the reader must not be able to run, however they are written."""


def hostile_statement(chance: Random, reader: bool) -> str:
    """A statement of a user who may do everything, or of one who may only read."""
    return chance.choice(_WRITINGS)(chance, chance.choice(FORBIDDEN if reader else QUERIES))


def _altered(chance: Random, sql: str) -> str:
    return mutated(chance, sql.encode(), [other.encode() for other in QUERIES]).decode(errors="replace")


def _stuffed(chance: Random, sql: str) -> str:
    gap = chance.choice(
        ("/**/", "\n", "\t", "--\n", "/* ' */", "\u00a0", "\0", " " * 500, "/*/**/*/", "#!\n", "\ufeff")
    )
    return sql.replace(" ", gap, chance.choice((1, -1)))


def _wrapped(chance: Random, sql: str) -> str:
    before, after = chance.choice(
        (
            ("(", ")"),
            ("EXPLAIN ", ""),
            ("SELECT * FROM (", ")"),
            ("", "; SELECT 1"),
            ("", " FORMAT Null"),
            ("WITH 1 AS x ", ""),
            ("", " SETTINGS readonly = 0"),
            ("SELECT 1; ", ""),
            ("-- x\n", ""),
            ("", ";;;"),
            ("DESCRIBE (", ")"),
            ("CREATE VIEW fuzz.v AS ", ""),
            ("PARALLEL WITH ", ""),
            ("EXECUTE AS default ", ""),
            ("", " PARALLEL WITH SELECT 1"),
        )
    )
    times = chance.choice((1, 1, 1, 3, 400))
    return before * times + sql + after * times


def _long_winded(chance: Random, sql: str) -> str:
    """What makes a careless reader of SQL slow: much that opens and never closes."""
    piece = chance.choice(
        (
            "/* ",
            "\\'",
            "'\\",
            "''",
            "$a$ ",
            "`\\`",
            '"\\"',
            "(",
            "[",
            "{",
            "a ",
            "-- ",
            "SETTINGS ",
            "FORMAT a ",
            "VALUES ",
        )
    )
    times = 150_000 if chance.random() < 0.01 else chance.choice((10, 500, 3000))
    opened = chance.choice(("", "'", "`", "INSERT INTO fuzz.nowhere VALUES ", "INSERT INTO fuzz.nowhere SETTINGS "))
    return opened + piece * times + chance.choice(("", sql, ";"))


_WRITINGS: tuple[Callable[[Random, str], str], ...] = (
    lambda _, sql: sql,
    lambda _, sql: sql.swapcase(),
    _altered,
    _altered,
    _stuffed,
    _wrapped,
    _long_winded,
)
