import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given

from schemas.dead_letter import decode_dead
from schemas.documents import COMMAND, FOLDER, asyncapi, documents, event_schema, main, stale
from schemas.envelope import MAX_LINES, decode, decode_event, encode_event
from schemas.events import KINDS, AnyEvent
from schemas.topics import ALERTS, DEAD, EVENTS, INBOX, INBOX_DAYS, MAX_DEAD_BYTES
from tests.strategies import MOMENTS, events

EVENT: dict[str, Any] = json.loads(documents()["event.schema.json"])
ASYNCAPI: dict[str, Any] = json.loads(documents()["asyncapi.json"])
ANNOTATIONS = {"$schema", "$defs", "title", "description", "default", "discriminator", "contentEncoding"}


def resolved(document: dict[str, Any], reference: str) -> Any:
    place: Any = document
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def faults(document: dict[str, Any], schema: dict[str, Any], value: Any) -> list[str]:
    """What this schema finds wrong with a value; knows every keyword the documents use, and no other."""
    found: list[str] = []
    for keyword, wanted in schema.items():
        right: object = True
        match keyword:
            case "$ref":
                found += faults(document, resolved(document, wanted), value)
            case "anyOf" | "oneOf":
                matches = sum(not faults(document, one, value) for one in wanted)
                right = matches == 1 if keyword == "oneOf" else matches
            case "type":
                types = {
                    "object": dict,
                    "array": list,
                    "string": str,
                    "boolean": bool,
                    "null": type(None),
                    "integer": int,
                }
                right = isinstance(value, types[wanted]) and (wanted != "integer" or not isinstance(value, bool))
            case "enum":
                right = value in wanted
            case "required":
                right = not isinstance(value, dict) or set(wanted) <= set(value)
            case "properties":
                for name in wanted.keys() & (value.keys() if isinstance(value, dict) else ()):
                    found += faults(document, wanted[name], value[name])
            case "items":
                for item in value if isinstance(value, list) else ():
                    found += faults(document, wanted, item)
            case "minLength" | "minItems":
                right = not isinstance(value, str | list) or len(value) >= wanted
            case "maxLength" | "maxItems":
                right = not isinstance(value, str | list) or len(value) <= wanted
            case "minimum":
                right = not isinstance(value, int) or value >= wanted
            case "maximum":
                right = not isinstance(value, int) or value <= wanted
            case "format":
                assert wanted == "date-time"
                right = not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
            case "pattern":
                right = not isinstance(value, str) or re.search(wanted, value)
            case _:
                assert keyword in ANNOTATIONS, f"the documents use {keyword}, which this test cannot judge"
        if not right:
            found.append(f"{keyword} {wanted!r:.60}: {value!r:.60}")
    return found


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        yield from (value for key, value in part.items() if key == "$ref")
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def test_the_committed_documents_are_what_the_structs_say() -> None:
    assert stale(FOLDER) == [], f"run `{COMMAND}`"


def test_every_kind_is_defined_and_told_apart_by_its_name() -> None:
    mapping = {kind: f"#/$defs/{kind}" for kind in KINDS}
    assert EVENT["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert EVENT["discriminator"] == {"propertyName": "kind", "mapping": mapping}
    assert [one["$ref"] for one in EVENT["oneOf"]] == list(mapping.values())
    for kind, definition in EVENT["$defs"].items():
        assert definition["properties"]["kind"] == {"enum": [kind]}
        assert definition["description"]
    assert set(EVENT["$defs"]) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_definition_has_the_fields_of_its_struct_and_requires_what_has_no_default(kind: str) -> None:
    fields = msgspec.structs.fields(KINDS[kind])
    definition = EVENT["$defs"][kind]
    assert set(definition["properties"]) == {"kind", *(field.name for field in fields)}
    assert set(definition["required"]) == {"kind", *(field.name for field in fields if field.required)}


@pytest.mark.slow
@given(events())
def test_every_event_agrees_with_the_schema(event: AnyEvent) -> None:
    value = json.loads(encode_event(event))
    assert faults(EVENT, EVENT, value) == []
    assert faults(EVENT, EVENT, value | {"not": "known"}) == []


def least(kind: str) -> dict[str, Any]:
    """The smallest event of this kind, made from nothing but its definition."""
    definition = EVENT["$defs"][kind]
    return {name: sample(definition["properties"][name]) for name in definition["required"]}


def sample(schema: dict[str, Any]) -> Any:
    if "enum" in schema:
        return schema["enum"][0]
    if "format" in schema:
        return "2026-01-01T00:00:00Z"
    return {"string": "a" * schema.get("minLength", 0), "integer": schema.get("minimum"), "boolean": False}[
        schema["type"]
    ]


def edges() -> Iterator[tuple[str, str, Any, bool]]:
    """Values on and just beyond each limit that a definition names, and whether they are allowed."""
    for kind, definition in EVENT["$defs"].items():
        for name, schema in definition["properties"].items():
            for one in schema.get("anyOf", [schema]):
                if "minLength" in one:
                    short, long = one["minLength"], one["maxLength"]
                    letter = "7" if "pattern" in one else "ắ"
                    yield from (
                        (kind, name, letter * n, short <= n <= long) for n in (short - 1, short, long, long + 1)
                    )
                    yield from ((kind, name, wrong, "pattern" not in one) for wrong in ("An", "Lê 7", "0912345678"))
                elif one.get("type") == "integer":
                    low, high = one["minimum"], one["maximum"]
                    yield from ((kind, name, n, low <= n <= high) for n in (low - 1, low, high, high + 1))
                elif "enum" in one:
                    yield kind, name, "unheard-of", False
                elif one.get("type") == "null":
                    yield kind, name, None, True
                else:
                    yield kind, name, [], False


@pytest.mark.slow
def test_schema_and_decoder_have_the_same_limits() -> None:
    judged = list(edges())
    assert {allowed for *_, allowed in judged} == {True, False}
    assert len(judged) > 20 * len(KINDS)
    for kind, name, value, allowed in judged:
        # A whole as large as can be, so that the limits of its parts are reached first.
        fields = least(kind) | ({"components": 10_000} if kind == "digitised" else {}) | {name: value}
        assert (faults(EVENT, EVENT, fields) == []) is allowed, (kind, name, value)
        try:
            decode_event(json.dumps(fields).encode())
        except msgspec.ValidationError:
            assert not allowed, (kind, name, value)
        else:
            assert allowed, (kind, name, value)


def test_all_references_lead_somewhere() -> None:
    for document in (EVENT, ASYNCAPI):
        found = list(references(document))
        assert len(found) >= len(KINDS)
        assert all(resolved(document, reference) for reference in found)


def test_asyncapi_tells_what_is_read_and_what_is_sent() -> None:
    assert ASYNCAPI["asyncapi"] == "3.0.0"
    assert set(ASYNCAPI["channels"]) == {INBOX, EVENTS, DEAD, ALERTS}
    actions = {one["channel"]["$ref"]: one["action"] for one in ASYNCAPI["operations"].values()}
    assert actions == {
        f"#/channels/{INBOX}": "receive",
        f"#/channels/{EVENTS}": "receive",
        f"#/channels/{DEAD}": "send",
        f"#/channels/{ALERTS}": "send",
    }
    for name, channel in ASYNCAPI["channels"].items():
        assert channel["address"] == channel["bindings"]["kafka"]["topic"] == name
        kept = INBOX_DAYS * 24 * 3600 * 1000 if name == INBOX else -1
        assert channel["bindings"]["kafka"]["topicConfiguration"]["retention.ms"] == kept
    configured = ASYNCAPI["channels"][DEAD]["bindings"]["kafka"]["topicConfiguration"]
    assert configured["max.message.bytes"] == MAX_DEAD_BYTES


def test_asyncapi_and_the_schema_define_events_alike() -> None:
    schemas = ASYNCAPI["components"]["schemas"]
    assert {kind: schemas[kind] for kind in KINDS} == EVENT["$defs"]
    # AsyncAPI's discriminator is a field's name alone: its values must be the names of the schemas.
    assert schemas["event"]["discriminator"] == "kind"
    assert [one["$ref"].rpartition("/")[2] for one in schemas["event"]["oneOf"]] == list(KINDS)


@pytest.mark.parametrize("name", ["envelope", "dead_letter", "alert"])
def test_examples_agree_with_their_schema(name: str) -> None:
    message = ASYNCAPI["components"]["messages"][name]
    assert message["examples"]
    for example in message["examples"]:
        assert faults(ASYNCAPI, message["payload"], example["payload"]) == []


def test_examples_can_be_read() -> None:
    messages = ASYNCAPI["components"]["messages"]
    [envelope] = messages["envelope"]["examples"]
    value = "\n".join(json.dumps(event) for event in envelope["payload"]).encode()
    decoded = decode(value, MOMENTS[2])
    assert len(decoded.events) == len(envelope["payload"]) > 1
    [letter] = messages["dead_letter"]["examples"]
    assert decode_dead(json.dumps(letter["payload"]).encode()).topic == EVENTS
    assert messages["envelope"]["payload"]["maxItems"] == MAX_LINES
    assert messages["envelope"]["contentType"] == "application/x-ndjson"


@pytest.mark.slow
def test_documents_are_the_same_each_time() -> None:
    assert documents() == documents()
    assert event_schema() == EVENT
    assert asyncapi() == ASYNCAPI


@pytest.mark.process
def test_another_process_makes_the_same_documents() -> None:
    seeded = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"}
    root = FOLDER.parent.parent
    done = subprocess.run(
        [sys.executable, "-m", "schemas.documents", "--check"], cwd=root, env=seeded, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.slow
def test_writing_makes_the_check_pass_and_a_change_fails_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "generated"
    assert main(["--folder", str(folder)]) == 0
    assert main(["--folder", str(folder), "--check"]) == 0
    written = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert written == {name: text.encode() for name, text in documents().items()}
    assert capsys.readouterr() == ("", "")

    path = folder / "asyncapi.json"
    path.write_bytes(path.read_bytes().replace(b'"maximum": 1000,', b'"maximum": 999,'))
    changed = path.read_bytes()
    assert main(["--folder", str(folder), "--check"]) == 1
    assert capsys.readouterr().err == f"{path} is out of date: run `{COMMAND}` (or `make generate`)\n"
    assert path.read_bytes() == changed


def test_a_missing_document_is_out_of_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--folder", str(tmp_path / "none"), "--check"]) == 1
    assert [line.split(" is ")[0] for line in capsys.readouterr().err.splitlines()] == [
        str(tmp_path / "none" / name) for name in documents()
    ]
    assert not (tmp_path / "none").exists()
