"""What an audit found, as lines that a person can follow: whoever reads a failed run has no deployment to ask."""

from collections.abc import Iterator

from streams.audit.findings import Audit

_SHOWN = 10
"""Differences of each kind; the number includes all."""


def differences_in_words(found: Audit) -> tuple[str, ...]:
    """The first differences of each kind, each with what is stored and what it should be; none of a sound audit."""
    return tuple(_lines(found))


def _lines(found: Audit) -> Iterator[str]:
    for finding in found.findings[:_SHOWN]:
        yield f"audit: {finding.kind}, {finding.place}: is {finding.stored}, should be {finding.recomputed}"
    for case in found.facts_differences[:_SHOWN]:
        yield f"audit: {case.column} of {case.dossier!r} is {case.stored}, should be {case.recomputed}"
    for window in found.window_differences[:_SHOWN]:
        place = f"window {window.agency!r} {window.window} of partition {window.partition}"
        yield f"audit: {place}: {window.counter} is {window.stored}, should be {window.recomputed}"
    if found.differences > 3 * _SHOWN:
        yield f"audit: {found.differences} differences in all"
