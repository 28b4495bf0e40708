"""Delivery of alerts to a webhook: to one address, an agency at a time, signed."""

import hashlib
import hmac
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

import msgspec
import requests
from msgspec import Struct, structs

from schemas.alerts import Alert, by_agency
from schemas.connection import Secret, Webhook
from streams.alerts.names import Names
from streams.http.client import ask

log = logging.getLogger(__name__)

TIMESTAMP = "Dossier-Timestamp"
SIGNATURE = "Dossier-Signature"
_AT_ONCE = 500
_TIMEOUT_SECONDS = 10.0
"""For a whole request."""
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 300.0


class NamedAlert(Alert, frozen=True, kw_only=True):
    """An alert with the name of its procedure; empty where the procedure is not declared."""

    procedure_name: str


class Delivery(Struct, frozen=True):
    """The content of one request: alerts of one agency, in the order of their numbers."""

    agency: str
    agency_name: str
    alerts: Sequence[NamedAlert]


def deliveries(alerts: Iterable[Alert], names: Names) -> Iterator[Delivery]:
    """The requests that carry these alerts, at most 500 in each."""
    for agency, of_agency in by_agency(alerts).items():
        named = [
            NamedAlert(**structs.asdict(alert), procedure_name=names.procedures.get(alert.procedure, ""))
            for alert in of_agency
        ]
        for first in range(0, len(named), _AT_ONCE):
            yield Delivery(agency, names.agencies.get(agency, ""), named[first : first + _AT_ONCE])


def signature(secret: Secret, timestamp: str, body: bytes) -> str:
    """`sha256=` and the hex HMAC-SHA256, under the secret, of the timestamp, a full stop and the body.

    A receiver computes it from the request, compares in constant time, and refuses timestamps that are minutes old.
    """
    signed = f"{timestamp}.".encode() + body
    return "sha256=" + hmac.new(secret.reveal().encode(), signed, hashlib.sha256).hexdigest()


def deliver(webhook: Webhook, delivery: Delivery, now: Callable[[], datetime], pause: Callable[[float], None]) -> None:
    """Return once the receiver has accepted the delivery, with a status of 200 to 299.

    Anything else is retried for as long as it takes, with pauses of up to five minutes: no delivery is skipped. A
    receiver may get one twice, which `seq` shows.
    """
    body = msgspec.json.encode(delivery)
    seconds = _FIRST_PAUSE_SECONDS
    while failure := _post(webhook, body, now()):
        log.warning(
            "the webhook did not accept a delivery, it is retried",
            extra={"host": webhook.host, "agency": delivery.agency, "alerts": len(delivery.alerts), "reason": failure},
        )
        pause(seconds)
        seconds = min(seconds * 2, _LONGEST_PAUSE_SECONDS)


def _post(webhook: Webhook, body: bytes, now: datetime) -> str:
    timestamp = str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        TIMESTAMP: timestamp,
        SIGNATURE: signature(webhook.secret, timestamp, body),
    }
    try:
        # The body of the answer is of no use. Redirections are not followed: the secret is agreed with this address.
        answer = ask("POST", webhook.url, seconds=_TIMEOUT_SECONDS, most_bytes=0, body=body, headers=headers)
    except requests.RequestException as error:
        # Its message contains the address.
        return type(error).__name__
    return "" if 200 <= answer.status < 300 else f"it answers {answer.status}"
