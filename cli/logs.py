"""The log of a service: one line a record, as text or JSON, without the content of events.

Code logs a fixed message and adds the rest in `extra`, under the names in FIELDS: ids and positions, numbers, reasons
from services. Content of events, values of fields and details of dead letters are never logged.
"""

import logging
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime

import orjson

from cli.terminal_escape import printable
from schemas.errors import DossierError

FIELDS = (
    *("topic", "partition", "offset", "line", "dossier", "agency", "window", "table", "column", "kind", "field"),
    *(
        "rows",
        "records",
        "events",
        "letters",
        "dossiers",
        "windows",
        "partitions",
        "lag",
        "differences",
        "unconfirmed",
        "scope",
        "place",
        "attempt",
        "seconds",
    ),
    *("sender", "service", "status", "items", "rejects", "bytes"),
    *("address", "reason"),
)
"""What may go with a message, in the order of the line."""
_LONGEST = 2000
_CHATTY = {
    **dict.fromkeys(("aiokafka", "kafka", "faust", "mode"), "WARNING"),
    # The store logs its errors, in one line each.
    "clickhouse_driver": "ERROR",
}
"""Libraries of which only warnings or errors are logged."""


def configure(form: str) -> None:
    """Log to standard error, as `text` or `json`."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for name, level in _CHATTY.items():
        logging.getLogger(name).setLevel(level)


class TextLines(logging.Formatter):
    """`time LEVEL logger: message key=value ...`; a trace follows in lines that begin with spaces."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as text."""
        fields = {key: _quoted(value) for key, value in _fields(record).items()}
        head = f"{_time(record)} {record.levelname} {record.name}: {_message(record)}"
        line = " ".join([head, *(f"{key}={value}" for key, value in fields.items())])
        return "\n".join([line, *(f"  {frame}" for frame in _trace(record))])


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, logger, message, its fields, and a trace as a list."""

    def format(self, record: logging.LogRecord) -> str:
        """One record as JSON."""
        value: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **_fields(record),
        }
        if trace := list(_trace(record)):
            value["trace"] = trace
        return orjson.dumps(value, default=str).decode()


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _message(record: logging.LogRecord) -> str:
    return _plain(record.getMessage())


def _plain(text: str) -> str:
    """The text cut to a length and without control characters: a log line is a line."""
    return printable(text[:_LONGEST])


def _fields(record: logging.LogRecord) -> dict[str, object]:
    fields = {key: record.__dict__[key] for key in FIELDS if key in record.__dict__}
    if record.exc_info and record.exc_info[1]:
        fields["error"] = _described(record.exc_info[1])
    return {key: _plain(value) if isinstance(value, str) else value for key, value in fields.items()}


def _quoted(value: object) -> str:
    text = str(value)
    return text if text and not set(text) & set(' "=') else orjson.dumps(text).decode()


def _described(error: BaseException) -> str:
    """The error's name; its text only where that cannot quote an event."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, DossierError | OSError) else name


def _trace(record: logging.LogRecord) -> Iterator[str]:
    """The frames of an error and of its causes: places in the code only."""
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        for frame in traceback.extract_tb(error.__traceback__):
            yield f"{frame.filename}:{frame.lineno} {frame.name}"
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        if error is not None:
            yield _plain(f"raised from {_described(error)}")
