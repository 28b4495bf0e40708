"""Generates the contract of the topics: a JSON Schema of events and an AsyncAPI description.

`python -m schemas.documents` writes both files; with `--check` it only names the files that are out of date. The same
structs always give the same bytes.
"""

import argparse
import inspect
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

import msgspec

from schemas.alerts import Alert, encode_alert
from schemas.dead_letter import DeadLetter, dead_letter, encode_dead
from schemas.envelope import FUTURE_TOLERANCE, MAX_EVENT_BYTES, MAX_EVENTS, MAX_LINES, Rejection, encode_event
from schemas.events import KINDS, Event, Paid, Received
from schemas.topics import ALERTS, DEAD, EVENTS, INBOX, Topic, declared

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | int | float | bool | None
Document: TypeAlias = dict[str, Json]

CONTRACT_VERSION = "1.2.0"
"""The version of the contract: the first number is raised when a valid event becomes invalid."""
FOLDER = Path(__file__).parent / "generated"
COMMAND = "python -m schemas.documents"

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """Every document by its file name."""
    found = {"event.schema.json": event_schema(), "asyncapi.json": asyncapi()}
    return {name: json.dumps(document, ensure_ascii=False, indent=2) + "\n" for name, document in found.items()}


def event_schema() -> Document:
    """The JSON Schema of one event: one definition a kind, told apart by `kind`.

    Two rules lie beyond it: which years instants may be of, and that parts of `digitised` do not exceed their whole.
    """
    return {
        "$schema": _DIALECT,
        "title": "Event",
        "description": inspect.getdoc(Event),
        **_one_of("#/$defs/"),
        "$defs": _kinds(),
    }


def asyncapi() -> Document:
    """The AsyncAPI 3.0 document of what dossier-stream reads, of what it could not read, and of its alerts."""
    topics = {topic.name: topic for topic in declared(partitions=1, replication=1)}
    schemas = "#/components/schemas/"
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "dossier-stream",
            "version": CONTRACT_VERSION,
            "description": "Lifecycle events of administrative dossiers and feedback cases, on Kafka.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {
            INBOX: _channel(
                topics[INBOX], "Events by any key and partitioner; a router moves them, each once.", "inbox_record"
            ),
            EVENTS: _channel(topics[EVENTS], "Events, kept for ever: counts can be made anew.", "envelope"),
            DEAD: _channel(
                topics[DEAD], "Lines that could not be counted or routed, and why; read committed.", "dead_letter"
            ),
            ALERTS: _channel(topics[ALERTS], "Dossiers that are or will soon be late; read committed.", "alert"),
        },
        "operations": {
            "read_inbox": _operation("receive", INBOX, "inbox_record"),
            "read_events": _operation("receive", EVENTS, "envelope"),
            "send_dead_letters": _operation("send", DEAD, "dead_letter"),
            "send_alerts": _operation("send", ALERTS, "alert"),
        },
        "components": {
            "messages": {
                "inbox_record": _inbox_record(schemas),
                "envelope": _envelope(schemas),
                "dead_letter": _dead_letter(schemas),
                "alert": _alert(schemas),
            },
            "schemas": {
                "event": {"title": "Event", "discriminator": "kind", "oneOf": _one_of(schemas)["oneOf"]},
                **_kinds(),
                "dead_letter": _definition(DeadLetter),
                "alert": _definition(Alert),
            },
        },
    }


def _kinds() -> Document:
    return {kind: _definition(struct) for kind, struct in KINDS.items()}


def _definition(struct: type[msgspec.Struct]) -> Document:
    _, found = msgspec.json.schema_components([struct])
    # Python releases differ in how they indent a docstring.
    return {**found[struct.__name__], "description": inspect.getdoc(struct)}


def _one_of(prefix: str) -> Document:
    mapping: Document = {kind: prefix + kind for kind in KINDS}
    return {
        "oneOf": [{"$ref": reference} for reference in mapping.values()],
        "discriminator": {"propertyName": "kind", "mapping": mapping},
    }


def _channel(topic: Topic, description: str, message: str) -> Document:
    settings: Document = {
        "cleanup.policy": [topic.config["cleanup.policy"]],
        "retention.ms": int(topic.config["retention.ms"]),
        "retention.bytes": int(topic.config["retention.bytes"]),
    }
    if "max.message.bytes" in topic.config:
        settings["max.message.bytes"] = int(topic.config["max.message.bytes"])
    return {
        "address": topic.name,
        "description": description,
        "messages": {message: {"$ref": f"#/components/messages/{message}"}},
        "bindings": {"kafka": {"topic": topic.name, "topicConfiguration": settings, "bindingVersion": "0.5.0"}},
    }


def _operation(action: str, channel: str, message: str) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "messages": [{"$ref": f"#/channels/{channel}/messages/{message}"}],
    }


def _envelope(prefix: str) -> Document:
    hours = FUTURE_TOLERANCE.total_seconds() / 3600
    return {
        "title": "Envelope",
        "summary": "Events of one partition, one a line",
        "description": (
            f"NDJSON in UTF-8: the items of the payload, each on its own line of up to {MAX_EVENT_BYTES} bytes. "
            f"Publishers put at most {MAX_EVENTS} into one. Every event's `dossier` belongs to the record's partition: "
            "(murmur2(dossier in UTF-8) & 0x7fffffff) modulo the number of partitions, as Kafka's own clients compute "
            f"it. No event lies more than {hours:g} h after the record's timestamp. A line that breaks a rule goes "
            f"to {DEAD} alone, the others count."
        ),
        "contentType": "application/x-ndjson",
        "payload": {"type": "array", "items": {"$ref": prefix + "event"}, "minItems": 1, "maxItems": MAX_LINES},
        "examples": [{"name": "two_events", "payload": [json.loads(encode_event(event)) for event in _EXAMPLES]}],
    }


def _inbox_record(prefix: str) -> Document:
    return {
        "title": "Record of the inbox",
        "summary": "One event, an array of events, or one event a line",
        "description": (
            f"JSON in UTF-8, up to {MAX_LINES} events. Key and partition mean nothing, but records of one dossier keep "
            f"their order only with one key. What is no event goes to {DEAD} alone, with the record's place here."
        ),
        "contentType": "application/json",
        "payload": {
            "oneOf": [
                {"$ref": prefix + "event"},
                {"type": "array", "items": {"$ref": prefix + "event"}, "minItems": 1, "maxItems": MAX_LINES},
            ]
        },
        "examples": [{"name": "one_event", "payload": json.loads(encode_event(_EXAMPLES[0]))}],
    }


def _dead_letter(prefix: str) -> Document:
    rejected = Rejection(3, "malformed", "", "Input data was truncated", b'{"kind":"received","id":"')
    letter = dead_letter(EVENTS, 5, 1204, _EXAMPLES[0].occurred_at, rejected)
    return {
        "title": "Dead letter",
        "summary": "A line that is not counted, with the reason",
        "contentType": "application/json",
        "payload": {"$ref": prefix + "dead_letter"},
        "examples": [{"name": "truncated", "payload": json.loads(encode_dead(letter))}],
    }


def _alert(prefix: str) -> Document:
    return {
        "title": "Alert",
        "summary": "A dossier reached a level of urgency, or an alert about it no longer holds",
        "contentType": "application/json",
        "payload": {"$ref": prefix + "alert"},
        "examples": [{"name": "overdue", "payload": json.loads(encode_alert(_ALERT))}],
    }


_EXAMPLES = (
    Received(
        id="H01.2026.000123/received",
        dossier="H01.2026.000123",
        source="one-stop",
        occurred_at=datetime(2026, 3, 2, 1, 15, tzinfo=UTC),
        agency="H01.12",
        channel="online",
        procedure="1.004194",
        fee_bearing=True,
    ),
    Paid(
        id="H01.2026.000123/paid/T-77",
        dossier="H01.2026.000123",
        source="payment-platform",
        occurred_at=datetime(2026, 3, 2, 1, 16, 40, tzinfo=UTC),
        transaction="T-77",
        amount=50_000,
        method="online",
    ),
)

_ALERT = Alert(
    seq=4711,
    dossier="H01.2026.000123",
    state="raised",
    level="overdue",
    why="compared",
    agency="H01.12",
    procedure="1.004194",
    term=datetime(2026, 3, 9, 9, 0, tzinfo=UTC),
    at=datetime(2026, 3, 9, 17, 0, 4, tzinfo=UTC),
    rule="date v2",
    deadline=datetime(2026, 3, 9, 16, 59, 59, 999_999, tzinfo=UTC),
)


def stale(folder: Path) -> list[str]:
    """The documents that are missing from the folder or out of date."""
    return [
        name
        for name, text in documents().items()
        if not (folder / name).is_file() or (folder / name).read_text(encoding="utf-8") != text
    ]


def write(folder: Path) -> None:
    """Write every document into the folder."""
    folder.mkdir(exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str]) -> int:
    """Write the documents, or with --check name those that are out of date; the exit code of the command."""
    parser = argparse.ArgumentParser(prog=COMMAND, description="Write the JSON Schema and AsyncAPI documents.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when a document is out of date")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where they are (default: schemas/generated)")
    options = parser.parse_args(arguments)
    if not options.check:
        write(options.folder)
        return 0
    outdated = stale(options.folder)
    for name in outdated:
        print(f"{options.folder / name} is out of date: run `{COMMAND}` (or `make generate`)", file=sys.stderr)
    return 1 if outdated else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
