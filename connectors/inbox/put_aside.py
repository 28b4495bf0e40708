"""What a connector could not map travels through the inbox as a line of its own, and becomes a dead letter there.

So it has a place and its reason like any other, and is as safe as the events beside it.
"""

import msgspec
from msgspec import Struct

from schemas.envelope import Rejection


class PutAside(Struct, frozen=True, kw_only=True, tag_field="kind", tag="put-aside", forbid_unknown_fields=True):
    """An item that a mapping did not fit; `content` is the part of it that the mapping reads, as JSON."""

    field: str
    detail: str
    content: str


def put_aside_line(rejection: Rejection) -> bytes:
    """The line for a rejected item."""
    content = rejection.content.decode("utf-8", "replace")
    return msgspec.json.encode(PutAside(field=rejection.field, detail=rejection.detail, content=content))


def as_put_aside(rejection: Rejection) -> Rejection:
    """The rejection that such a line stands for; any other as it is."""
    if rejection.reason != "unknown_kind":
        return rejection
    try:
        found = msgspec.json.decode(rejection.content, type=PutAside)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return rejection
    return Rejection(rejection.line, "unmapped", found.field, found.detail, found.content.encode())
