"""Who a request is from: sessions, API keys, signatures, addresses. No secret is compared or shown as text."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Iterable

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from connectors.errors import ConnectorError
from connectors.portal.senders import Sender

SESSION_SECONDS = 24 * 3600
REPLAY_SECONDS = 300
"""How far the time of a signed request may be from ours."""


class Denied(ConnectorError):
    """A request that nobody vouches for, or that a sender may not make."""


def hash_password(password: str) -> str:
    """What senders.toml keeps of a password."""
    return PasswordHasher().hash(password)


def digest_of(key: str) -> str:
    """What senders.toml keeps of an API key: keys are long and random, so a plain digest is enough."""
    return hashlib.sha256(key.encode()).hexdigest()


class Access:
    """Vouches for senders, and keeps nothing.

    A session is signed with its sender's password hash: it survives a restart, and ends when the password is changed.
    """

    def __init__(self, senders: Iterable[Sender], now: Callable[[], float] = time.time) -> None:
        self._senders = {each.username: each for each in senders}
        self._by_unit = {each.madonvi: each for each in self._senders.values()}
        self._by_key = {digest: each for each in self._senders.values() for digest in each.api_keys}
        self._now = now
        self._hasher = PasswordHasher()
        self._some_hash = next((each.password_hash for each in self._senders.values() if each.password_hash), "")

    def login(self, username: str, password: str) -> str:
        """A session for this name and password; takes as long for unknown names. Raises Denied."""
        sender = self._senders.get(username)
        try:
            self._hasher.verify((sender and sender.password_hash) or self._some_hash, password)
        except (Argon2Error, InvalidHashError) as error:
            raise Denied("user name or password is wrong") from error
        if sender is None or not sender.password_hash:
            raise Denied("user name or password is wrong")
        text = f"{username}\n{int(self._now()) + SESSION_SECONDS}\n{secrets.token_hex(8)}"
        return base64.urlsafe_b64encode(f"{text}\n{_seal(sender, text)}".encode()).decode().rstrip("=")

    def by_session(self, session: str) -> Sender:
        """The sender that a session was given to; raises Denied where it is none, or has ended."""
        try:
            held = base64.urlsafe_b64decode(session + "=" * (-len(session) % 4)).decode("ascii")
            text, _, seal = held.rpartition("\n")
            username, until, _ = text.split("\n")
            sender, ends = self._senders[username], int(until)
        except (ValueError, KeyError) as error:
            raise Denied("the session is unknown: log in again") from error
        if not sender.password_hash or not hmac.compare_digest(seal, _seal(sender, text)) or ends < self._now():
            raise Denied("the session is unknown or has ended: log in again")
        return sender

    def by_key(self, key: str) -> Sender:
        """The sender with this API key; raises Denied."""
        sender = self._by_key.get(digest_of(key))
        if sender is None:
            raise Denied("the API key is unknown")
        return sender

    def by_address(self, unit: str, address: str) -> Sender:
        """The sender with this code of its unit, at an address that is believed; raises Denied."""
        sender = self._by_unit.get(unit)
        if sender is None or not sender.is_at(address):
            raise Denied("neither a session nor an API key was sent")
        return sender

    def check_unit(self, sender: Sender, unit: str) -> None:
        """Raise Denied where a request names another unit than the sender's."""
        if unit and unit != sender.madonvi:
            raise Denied("the unit that the request names is not that of the sender")

    def check_signature(self, sender: Sender, timestamp: str, signature: str, body: bytes) -> None:
        """Raise Denied where a sender that signs sent no signature, a wrong one, or one of another time."""
        key = sender.hmac_key.reveal()
        if not key:
            return
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
            raise Denied("X-Timestamp is no number of seconds since 1970")
        if abs(self._now() - int(timestamp)) > REPLAY_SECONDS:
            raise Denied(f"X-Timestamp is more than {REPLAY_SECONDS} seconds from now: correct the clock, sign again")
        if not hmac.compare_digest(signature.encode(), f"sha256={signed(key, timestamp, body)}".encode()):
            raise Denied("X-Signature is not that of this time and body")


def signed(key: str, timestamp: str, body: bytes) -> str:
    """The signature of a body at a time, in hexadecimal digits."""
    return hmac.new(key.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _seal(sender: Sender, text: str) -> str:
    return hmac.new(sender.password_hash.encode(), text.encode(), hashlib.sha256).hexdigest()
