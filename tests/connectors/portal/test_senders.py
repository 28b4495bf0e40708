"""Who may send, as senders.toml says it."""

from pathlib import Path

import pytest

from connectors.portal.senders import decode_senders
from schemas.errors import SettingError

GOOD = """
[[senders]]
username = "onestop"
madonvi = "000.00.17.H26"
agencies = ["H26.17"]
password_hash = "$argon2id$x"
hmac_key_file = "onestop.key"
[senders.status]
8 = "paused"
"""


def test_a_sender_has_its_key_its_statuses_and_an_agency_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "onestop.key").write_text("0123456789abcdef\n")
    (sender,) = decode_senders(GOOD.encode(), tmp_path / "senders.toml")
    assert sender.agency == "H26.17"
    assert sender.hmac_key.reveal() == "0123456789abcdef"
    assert "0123456789abcdef" not in repr(sender)
    assert (sender.meanings["8"], sender.meanings["9"]) == ("paused", "resolved")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ('statuses = "other"', "statuses = 'other' is not one of ending, suspending"),
        ('hmac_key = "x"', "hmac_key is a secret"),
        ('api_keys = ["short"]', "api_keys are SHA-256 digests"),
        ('addresses = ["10.0.0.0/99"]', "does not appear to be an IPv4 or IPv6 network"),
        ("items_per_second = 0", "items_per_second is not from 1"),
        ("colour = 1", "colour"),
        ('status = { 9 = "done" }', "done"),
        ('password_hash = "secret"', "make it with `dossier receive hash-password`"),
        ("", "one of password_hash, api_keys or addresses is needed"),
    ],
)
def test_a_fault_names_the_sender(tmp_path: Path, line: str, wrong: str) -> None:
    text = f'[[senders]]\nusername = "onestop"\nmadonvi = "1"\nagencies = ["H26"]\n{line}\n'
    with pytest.raises(SettingError) as error:
        decode_senders(text.encode(), tmp_path / "senders.toml")
    assert wrong in str(error.value)
    assert "sender 'onestop'" in str(error.value)
    assert "secret'" not in str(error.value)


def test_two_senders_are_told_apart(tmp_path: Path) -> None:
    one = '[[senders]]\nusername = "a"\nmadonvi = "1"\nagencies = ["H26"]\naddresses = ["10.0.0.1"]\n'
    with pytest.raises(SettingError, match="two senders have username = 'a'"):
        decode_senders((one + one).encode(), tmp_path / "senders.toml")
