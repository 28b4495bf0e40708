from datetime import date

import pytest

from schemas.deployment_profile import DueSoon, LateFromSupplement, Profile, decode_profile, profile_of
from schemas.errors import SettingError


def test_an_empty_profile_counts_in_viet_nam_by_the_instant() -> None:
    profile = decode_profile(b"", "profile.toml")
    assert profile == Profile(time_zone="Asia/Ho_Chi_Minh", terms="instant")
    assert profile.zone.key == "Asia/Ho_Chi_Minh"


def test_a_profile_says_what_it_chooses() -> None:
    text = '# nothing else\ntime_zone = "Europe/Berlin"\nterms = "date"\n'
    assert decode_profile(text.encode(), "profile.toml") == Profile(time_zone="Europe/Berlin", terms="date")


def test_a_profile_leads_with_the_rule_that_its_terms_are_compared_by_unless_it_names_another() -> None:
    assert Profile().leading == "instant"
    assert Profile(terms="date").leading == "date"
    text = 'terms = "date"\nleading_rule = "decision 766"\ndue_soon = { amount = 8, unit = "working hours" }\n'
    profile = decode_profile(text.encode(), "profile.toml")
    assert profile.leading == "decision 766"
    assert profile.due_soon == DueSoon(8, "working hours")


def test_what_only_shapes_views_is_no_part_of_the_rules_and_stays_when_counts_are_of_other_rules() -> None:
    chosen = Profile(leading_rule="report form", due_soon=DueSoon(3))
    assert chosen.rules == Profile().rules
    counted = chosen.counted_by(Profile("UTC", "date").rules)
    assert counted == Profile("UTC", "date", "report form", DueSoon(3))


def test_late_from_supplement_is_part_of_the_rules_with_its_days() -> None:
    text = b"late_from_supplement = [{valid_from = 2026-01-01, number = 3}, {valid_from = 2027-01-01, number = 0}]"
    profile = decode_profile(text, "profile.toml")
    assert profile.late_from_supplement == (
        LateFromSupplement(date(2026, 1, 1), 3),
        LateFromSupplement(date(2027, 1, 1), 0),
    )
    assert profile.rules.endswith(" late_from_supplement=2026-01-01:3,2027-01-01:0")
    assert profile_of(profile.rules) == profile


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
        (b'leading_rule = "766"', "leading_rule = '766'"),
        (b"due_soon = 24", "due_soon = 24"),
        (b"due_soon = { amount = 0 }", "due_soon.amount = 0"),
        (b'due_soon = { unit = "days" }', "due_soon.unit = 'days'"),
        (b"due_soon = { hours = 2 }", "due_soon = {'hours': 2}"),
        (b"late_from_supplement = 3", "late_from_supplement = 3"),
        (
            b"late_from_supplement = [{valid_from = 2026-01-01, number = -1}]",
            "late_from_supplement[0].number = -1",
        ),
        (b"late_from_supplement = [{valid_from = 'soon', number = 1}]", "late_from_supplement[0].valid_from = 'soon'"),
        (b"late_from_supplement = [{number = 1}]", "late_from_supplement[0] = {'number': 1}"),
        (
            b"late_from_supplement = [{valid_from = 2026-02-01, number = 1}, {valid_from = 2026-01-01, number = 3}]",
            "late_from_supplement: valid_from = 2026-01-01",
        ),
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
