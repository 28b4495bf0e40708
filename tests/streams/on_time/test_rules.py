from datetime import date

import pytest
from msgspec import structs

from streams.on_time.rules import DATE_AS_SENT, DECISION_766, INSTANT, INSTANT_AS_SENT, RULES, valid_on

NEW_YEAR = date(2027, 1, 1)
LENIENT = structs.replace(DECISION_766, version=2, late_from_supplement=3, valid_from=NEW_YEAR)


def test_each_rule_has_a_legal_source_and_another_identity() -> None:
    rules = (*RULES, INSTANT_AS_SENT, DATE_AS_SENT)
    assert len({(rule.name, rule.version) for rule in rules}) == len(rules)
    assert all(rule.legal_source for rule in rules)


def test_a_case_is_judged_by_the_version_of_the_day_of_its_reception() -> None:
    versions = [*RULES[:2], structs.replace(DECISION_766, valid_to=date(2026, 12, 31)), LENIENT]
    assert valid_on(versions, "decision 766", date(2026, 12, 31)).version == 1
    assert valid_on(versions, "decision 766", NEW_YEAR) == LENIENT
    assert valid_on(versions, "instant", NEW_YEAR) == INSTANT


def test_two_versions_of_one_day_and_none_are_mistakes_of_whoever_wrote_them() -> None:
    with pytest.raises(LookupError, match=r"'decision 766' .* 2027-01-01: found 1, 2"):
        valid_on([DECISION_766, LENIENT], "decision 766", NEW_YEAR)
    with pytest.raises(LookupError, match=r"'decision 766' .* 2026-12-31: found none"):
        valid_on([LENIENT], "decision 766", date(2026, 12, 31))
