"""A service's log: for people and for machines, and never what an event says."""

import json
import logging
import sys
from datetime import UTC, datetime

import pytest

from cli.logs import FIELDS, JsonLines, TextLines
from streams.errors import LostEvents

AT = datetime(2026, 3, 2, 1, 2, 3, 456_000, tzinfo=UTC).timestamp()


def entry(message: str = "an insert is repeated", *arguments: object, **extra: object) -> logging.LogRecord:
    record = logging.getLogger("streams.storage.clickhouse_client").makeRecord(
        *("streams.storage.clickhouse_client", logging.WARNING, "clickhouse.py", 1, message, arguments, None),
        extra=extra,
    )
    record.created = AT
    return record


def test_a_line_of_text_has_the_message_and_what_is_told_beside_it() -> None:
    assert TextLines().format(entry(rows=3, table="facts", reason="no route", attempt=1)) == (
        "2026-03-02T01:02:03.456Z WARNING streams.storage.clickhouse_client: an insert is repeated table=facts rows=3 "
        'attempt=1 reason="no route"'
    )


def test_a_line_of_json_has_the_same() -> None:
    assert json.loads(JsonLines().format(entry(rows=3, table="facts", reason="no route"))) == {
        "time": "2026-03-02T01:02:03.456Z",
        "level": "WARNING",
        "logger": "streams.storage.clickhouse_client",
        "message": "an insert is repeated",
        "table": "facts",
        "rows": 3,
        "reason": "no route",
    }


@pytest.mark.parametrize("lines", [TextLines(), JsonLines()], ids=["text", "json"])
def test_a_line_is_a_line_whatever_it_tells_of(lines: logging.Formatter) -> None:
    hostile = 'a"b=c\n2026-01-01T00:00:00.000Z CRITICAL x: forged\x1b[31m\r\u2028'
    told = lines.format(entry("of %s", hostile, dossier=hostile, reason=hostile * 1000))
    assert len(told.splitlines()) == 1
    assert told.isprintable()
    assert len(told) < 10_000


@pytest.mark.parametrize("lines", [TextLines(), JsonLines()], ids=["text", "json"])
def test_what_is_not_known_to_be_harmless_is_not_told(lines: logging.Formatter) -> None:
    assert "Nguyễn" not in lines.format(entry(content="Nguyễn", detail="Nguyễn", value="Nguyễn"))
    assert not {"content", "detail", "value", "payload"} & set(FIELDS)


def failing(value: str) -> logging.LogRecord:
    record = entry("the worker ends")
    try:
        try:
            int(value)
        except ValueError as error:
            raise KeyError(value) from error
    except KeyError:
        record.exc_info = sys.exc_info()
    return record


def test_an_exception_is_told_by_its_name_and_where_it_was_raised_not_by_what_it_quotes() -> None:
    text = TextLines().format(failing("Nguyễn Văn A"))
    first, *trace = text.splitlines()
    assert first.endswith("the worker ends error=KeyError")
    assert any(line.startswith("  ") and line.endswith(" failing") for line in trace)
    assert "  raised from ValueError" in trace
    assert "Nguyễn" not in text
    value = json.loads(JsonLines().format(failing("Nguyễn Văn A")))
    assert value["error"] == "KeyError"
    assert value["trace"] == [line.strip() for line in trace]


@pytest.mark.parametrize(
    "error", [LostEvents("offset 3 is missing"), ConnectionRefusedError(111, "Connection refused")]
)
def test_errors_of_ours_and_of_the_system_say_what_is_wrong(error: Exception) -> None:
    record = entry("it ends")
    record.exc_info = (type(error), error, None)
    assert str(error) in TextLines().format(record)
