import pytest

from schemas.deployment_profile import Profile, decode_profile, profile_of
from schemas.errors import SettingError


def test_an_empty_profile_counts_in_viet_nam_by_the_instant() -> None:
    profile = decode_profile(b"", "profile.toml")
    assert profile == Profile(time_zone="Asia/Ho_Chi_Minh", terms="instant")
    assert profile.zone.key == "Asia/Ho_Chi_Minh"


def test_a_profile_says_what_it_chooses() -> None:
    text = '# nothing else\ntime_zone = "Europe/Berlin"\nterms = "date"\n'
    assert decode_profile(text.encode(), "profile.toml") == Profile(time_zone="Europe/Berlin", terms="date")


def test_every_choice_is_part_of_the_rules() -> None:
    profiles = [Profile("UTC", "instant"), Profile("UTC", "date"), Profile("Asia/Tokyo", "instant")]
    assert len({profile.rules for profile in profiles}) == 3


def test_rules_tell_the_profile_they_are_of() -> None:
    for profile in (Profile(), Profile("Europe/Berlin", "date")):
        assert profile_of(profile.rules) == profile
    assert profile_of("v99 terms=date time_zone=UTC") == Profile("UTC", "date")
    with pytest.raises(SettingError, match="rules that this version does not know: v9 terms=date weeks=long"):
        profile_of("v9 terms=date weeks=long")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b'time_zone = "Asia/Hanoi"', "time_zone = 'Asia/Hanoi'"),
        (b'time_zone = "asia/ho_chi_minh2"', "time_zone = 'asia/ho_chi_minh2'"),
        (b'time_zone = ""', "time_zone = ''"),
        (b'time_zone = "../../etc/passwd"', "time_zone = '../../etc/passwd'"),
        (b'time_zone = "/etc/passwd"', "time_zone = '/etc/passwd'"),
        (b'time_zone = "a\\u0000b"', r"time_zone = 'a\x00b'"),
        (b'time_zone = "Asia"', "time_zone = 'Asia'"),
        (b"time_zone = 7", "time_zone = 7"),
        (b'terms = "month"', "terms = 'month'"),
        (b'terms = ["date"]', "terms = ['date']"),
        (b"terms = 2026-01-01", "terms = datetime.date(2026, 1, 1)"),
        (b'timezone = "UTC"', "'timezone' = 'UTC'"),
        (b'"a\\nb" = 1', r"'a\nb' = 1"),
        (b"[profile]\nterms = 'date'", "'profile' = {'terms': 'date'}"),
    ],
)
def test_a_wrong_key_or_value_is_named_with_its_file(text: bytes, named: str) -> None:
    _refused(text, named)


@pytest.mark.parametrize(
    "text",
    [b"terms =", b"terms", b"\xff", b'terms = "date"\nterms = "date"', b"a = " + b"[" * 50_000, b"\x00"],
    ids=["no value", "no equals sign", "not UTF-8", "twice", "deep", "NUL"],
)
def test_what_is_not_toml_is_refused_with_its_file(text: bytes) -> None:
    _refused(text, "")


def test_a_value_without_end_does_not_fill_the_screen() -> None:
    assert len(_refused(b'time_zone = "' + b"x" * 100_000 + b'"', "time_zone")) < 500


def _refused(text: bytes, named: str) -> str:
    with pytest.raises(SettingError) as raised:
        decode_profile(text, "conf/profile.toml")
    message = str(raised.value)
    assert message.startswith("conf/profile.toml: ")
    assert named in message
    assert "docs/operator.md" in message
    assert len(message.splitlines()) == 1
    assert raised.value.exit_code == 2
    return message
