"""Distortions of what sources tell: flagged in the table `data_quality`, never repaired."""

from datetime import datetime

from msgspec import Struct

DISTORTIONS: dict[str, str] = {
    "missing_channel": "no channel was given; it counts as direct",
    "missing_status": "no status was given: somebody has to map it at the source",
    "unmapped_status": "the status is none of the sender's table",
    "unknown_agency": "no agency of this name is declared: the dossier's code decides, else the sender",
    "foreign_code": "the dossier's code begins with an agency that the sender does not speak for",
    "term_before_reception": "the term is earlier than the reception",
    "finish_at_reception": "it was finished at the instant of its reception, and has no term",
    "finish_before_reception": "it was finished before its reception",
    "finish_without_date": "it was finished without an end date; the time of the message stands for it",
    "finish_while_waiting": "it was finished while a wait goes on: 9 was sent for 5, 6 or 8",
    "finish_moved_back": "its finish was moved to before the term after the term had passed",
    "status_backwards": "a status of before came back after the end, or after the result was handed over",
    "wait_without_dates": "it waits by its status alone; without dates, the wait stops no term",
}
"""Each kind with its meaning, as docs/receiver.md lists them."""


class Distortion(Struct, frozen=True):
    """One distortion of one dossier; `at` decides the local day that it belongs to."""

    kind: str
    agency: str
    dossier: str
    source: str
    at: datetime
