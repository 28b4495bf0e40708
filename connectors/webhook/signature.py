"""The signature of a request: HMAC-SHA256 over its time and its body, valid for a few minutes."""

import hmac
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from schemas.connection import Secret

WINDOW = timedelta(minutes=5)
"""How far the time of a request may be from ours: a request that somebody recorded is worth nothing afterwards."""
TIMESTAMP, SIGNATURE = "dossier-timestamp", "dossier-signature"

_SECONDS = re.compile(r"\d{1,11}(\.\d{1,6})?", re.ASCII)


class NotSigned(ValueError):
    """A request is not signed as it must be; the text says why, and never with what."""


def sign(secret: Secret, timestamp: str, body: bytes) -> str:
    """The signature of this body at this time, in hexadecimal digits."""
    return hmac.digest(secret.reveal().encode(), timestamp.encode() + b"." + body, "sha256").hex()


def signed_at(secrets: Iterable[Secret], timestamp: str, signature: str, body: bytes, now: datetime) -> datetime:
    """When a request was signed with one of the secrets; raises NotSigned where it was not, or not just now."""
    if not _SECONDS.fullmatch(timestamp):
        raise NotSigned(f"the header {TIMESTAMP} must be seconds since 1970")
    given = signature.encode("utf-8", "replace")
    # All secrets are compared, and as a whole: the time that it takes says nothing about them.
    matches = [hmac.compare_digest(sign(secret, timestamp, body).encode(), given) for secret in secrets]
    if not any(matches):
        raise NotSigned(f"the header {SIGNATURE} does not fit the body and {TIMESTAMP}")
    at = datetime.fromtimestamp(float(timestamp), UTC)
    if abs(at - now) > WINDOW:
        raise NotSigned(f"the header {TIMESTAMP} is more than {WINDOW.total_seconds():.0f} s away from our time")
    return at
