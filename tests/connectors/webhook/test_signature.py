from datetime import UTC, datetime, timedelta

import pytest

from connectors.webhook.signature import WINDOW, NotSigned, sign, signed_at
from schemas.connection import Secret

NOW = datetime(2026, 6, 1, 8, 30, tzinfo=UTC)
AT = str(int(NOW.timestamp()))
OLD, NEW = Secret("the former secret"), Secret("the present secret")


def test_the_signature_is_what_other_tools_compute() -> None:
    # printf '1780302600.{"a":1}' | openssl dgst -sha256 -hmac 'the present secret'
    expected = "a22907064bbb759e482c2d11d4ea38c3a7ec695fda40159df318b5773ca09441"
    assert sign(NEW, "1780302600", b'{"a":1}') == expected


@pytest.mark.parametrize("secret", [OLD, NEW])
def test_while_a_secret_is_changed_both_hold(secret: Secret) -> None:
    assert signed_at((OLD, NEW), AT, sign(secret, AT, b"x"), b"x", NOW) == NOW


def test_the_time_is_signed_to_its_fraction() -> None:
    assert signed_at((NEW,), AT + ".25", sign(NEW, AT + ".25", b""), b"", NOW) == NOW + timedelta(seconds=0.25)


@pytest.mark.parametrize("away", [timedelta(seconds=1), -timedelta(seconds=1)])
def test_outside_the_window_a_signature_is_worth_nothing(away: timedelta) -> None:
    limit = NOW + (WINDOW if away > timedelta() else -WINDOW)
    signature = sign(NEW, AT, b"x")
    assert signed_at((NEW,), AT, signature, b"x", limit) == NOW
    with pytest.raises(NotSigned, match="more than 300 s away"):
        signed_at((NEW,), AT, signature, b"x", limit + away)


@pytest.mark.parametrize(
    ("timestamp", "signature", "body"),
    [
        (AT, "", b"x"),
        (AT, sign(NEW, AT, b"x"), b"y"),
        (AT, sign(OLD, AT, b"x"), b"x"),
        (AT, sign(NEW, AT, b"x").upper(), b"x"),
        (AT + "1", sign(NEW, AT, b"x"), b"x"),
        ("", sign(NEW, "", b"x"), b"x"),
        ("-1", sign(NEW, "-1", b"x"), b"x"),
        ("1e9", sign(NEW, "1e9", b"x"), b"x"),
        ("9" * 400, sign(NEW, "9" * 400, b"x"), b"x"),
        ("9" * 11, sign(NEW, "9" * 11, b"x"), b"x"),
        (AT, "ký", b"x"),
    ],
)
def test_anything_else_is_not_signed(timestamp: str, signature: str, body: bytes) -> None:
    with pytest.raises(NotSigned) as refused:
        signed_at((NEW,), timestamp, signature, body, NOW)
    assert NEW.reveal() not in str(refused.value)


def test_without_secrets_nothing_is_signed() -> None:
    with pytest.raises(NotSigned):
        signed_at((), AT, sign(Secret(""), AT, b""), b"", NOW)
