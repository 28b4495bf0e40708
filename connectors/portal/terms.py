"""The terms that a snapshot states, each at the instant from which it holds.

A term that is sent with an answered supplement already takes account of that wait: it is stated as of the answer, so
that the wait does not move it a second time.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connectors.portal.snapshot import Snapshot


def term_events(snapshot: Snapshot, received_at: datetime) -> Iterator[tuple[str, datetime, dict[str, Any]]]:
    """The original term where it is known, and the term after each supplement.

    A snapshot that names no former term has its original term in no field any more once a supplement was answered:
    what an earlier snapshot said of it then stays.
    """
    requests, current = snapshot.supplements, snapshot.term
    changed = [number for number, each in enumerate(requests) if each.answered_at or each.term_after]
    original = requests[0].term_before if requests else None
    if original is None and not changed:
        original = current
    if original is not None:
        yield "term_set", received_at, {"term": original}
    last = changed[-1] if changed else len(requests) - 1
    for number, each in enumerate(requests):
        term = each.term_after
        if number == last and current is not None and current != original:
            term = current
        if term is not None:
            yield "extended", each.answered_at or each.requested_at, {"number": number + 1, "term": term}
