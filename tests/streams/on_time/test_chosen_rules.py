from datetime import date

from schemas.deployment_profile import LateFromSupplement, Profile
from schemas.rule_names import RULE_NAMES, number_of
from streams.on_time.chosen_rules import rules_of
from streams.on_time.rules import RULES, valid_on


def test_without_a_choice_the_rules_are_the_current_ones() -> None:
    assert rules_of(Profile()) == RULES
    assert [number_of(rule.name) for rule in RULES] == [1, 2, 3, 4]


def test_a_choice_is_a_version_of_decision_766_from_its_day_on() -> None:
    chosen = (LateFromSupplement(date(2026, 1, 1), 3), LateFromSupplement(date(2027, 1, 1), 0))
    rules = rules_of(Profile(late_from_supplement=chosen))
    found = [valid_on(rules, "decision 766", date(year, 6, 1)) for year in (2025, 2026, 2027)]
    assert [(rule.version, rule.late_from_supplement) for rule in found] == [(1, 2), (2, 3), (3, 0)]
    assert valid_on(rules, "decision 766", date(2025, 12, 31)) == found[0]
    assert "profile of the deployment" in found[1].legal_source


def test_on_every_day_each_rule_has_one_version() -> None:
    rules = rules_of(Profile(late_from_supplement=(LateFromSupplement(date(1900, 1, 1), 4),)))
    assert [valid_on(rules, name, date(2026, 6, 1)).name for name in RULE_NAMES] == list(RULE_NAMES)
    assert valid_on(rules, "decision 766", date(2000, 1, 1)).late_from_supplement == 4
