"""Event ids: a hash of what an event says, so that the same event gets the same id from any file and in any order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import blake2b

import msgspec

from connectors.files.cell_values import Value
from schemas.instant import to_micros


def event_id(
    source: str, dossier: Value, kind: str, key: Sequence[str], occurred_at: datetime, fields: Mapping[str, Value]
) -> str:
    """The id of an event of this kind and content; an event with another content has another id.

    `key` holds the values of the columns that tell apart two events of one kind and content.
    """
    pairs = [(name, to_micros(value) if isinstance(value, datetime) else value) for name, value in fields.items()]
    text = msgspec.json.encode([source, dossier, kind, key, to_micros(occurred_at), sorted(pairs)])
    return blake2b(text, digest_size=16).hexdigest()
