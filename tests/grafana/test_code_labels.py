"""Every code that a cell can show has its words, and the words can be put into SQL."""

import re
from typing import Any, get_args

import pytest

from grafana.code_labels import (
    CHANNELS,
    ENDS,
    FIELDS,
    KINDS,
    LEVELS,
    METHODS,
    REASONS,
    SERVICE_LEVELS,
    STATES,
    STATUSES,
    Codes,
    label_mappings,
    label_sql,
    level_mappings,
)
from schemas import events
from schemas.alerts import DEFAULT_LEVELS, Alert
from schemas.ddl import views
from schemas.deployment_profile import Profile
from schemas.envelope import RejectReason
from schemas.reference.agency import Level
from schemas.reference.procedure import ServiceLevel
from streams.counting.facts import Suspension
from streams.on_time.history import Outcome

STATUS_IN_VIEW = {
    "received",
    "processing",
    "returned",
    *filter(None, get_args(Suspension)),
    *filter(None, set(get_args(Outcome)) - {"answered"}),
}
ENDINGS = {*filter(None, get_args(Outcome)), "voided", "gone", "term", "waiting", "agency", "rule", "levels"}
ENDINGS |= {"compared", "repeated supplement", "unanswered supplement"}


@pytest.mark.parametrize(
    ("words", "codes"),
    [
        pytest.param(STATUSES, STATUS_IN_VIEW, id="statuses"),
        pytest.param(CHANNELS, set(get_args(events.Channel)), id="channels"),
        pytest.param(METHODS, set(get_args(events.PaymentMethod)), id="methods"),
        pytest.param(KINDS, set(events.KINDS), id="kinds"),
        pytest.param(FIELDS, {name for names in events.PAYLOAD_FIELDS.values() for name in names}, id="fields"),
        pytest.param(STATES, set(get_args(Alert.__annotations__["state"])), id="states"),
        pytest.param(ENDS, ENDINGS, id="ends"),
        pytest.param(REASONS, set(get_args(RejectReason)), id="reasons"),
        pytest.param(LEVELS, set(get_args(Level)), id="levels"),
        pytest.param(SERVICE_LEVELS, set(get_args(ServiceLevel)), id="service levels"),
    ],
)
def test_every_code_has_words_in_both_languages(words: Codes, codes: set[str]) -> None:
    assert words.keys() == codes
    assert all(" / " in text for text in words.values())
    assert len(set(words.values())) == len(words), "two codes of one meaning"
    assert not re.search(r"['\\{}]", "".join((*words, *words.values()))), "would end a text of SQL, or a placeholder"


def test_the_statuses_are_those_of_the_view() -> None:
    (script,) = [script for script in views(Profile()) if script.name == "dossiers.sql"]
    (told,) = re.findall(r"multiIf\(((?:(?!multiIf).)*?)\) AS status", " ".join(script.statements), re.DOTALL)
    assert {"returned", "processing", "received"} <= set(re.findall(r"'(\w+)'", told)) <= STATUSES.keys()


def test_an_unknown_code_is_shown_as_it_is() -> None:
    (mapping,) = label_mappings({"a": "b / c"})
    assert mapping == {"type": "value", "options": {"a": {"text": "b / c", "index": 0}}}
    assert label_sql("x", {"a": "b / c"}) == "transform(x, ['a'], ['b / c'], x)"


def shown(level: str) -> str:
    """What Grafana makes of it: of the patterns the first that fits, with its groups."""
    for mapping in level_mappings():
        options: dict[str, Any] = mapping["options"]
        pattern = re.fullmatch("/(.*)/", options["pattern"])
        if pattern and re.search(pattern[1], level):
            return re.sub(pattern[1], options["result"]["text"].replace("$", "\\"), level)
    return level


@pytest.mark.parametrize("level", [*DEFAULT_LEVELS.split(","), "due-90m", "overdue-12h"])
def test_every_level_that_a_deployment_may_have_is_told_in_words(level: str) -> None:
    assert " / " in shown(level)


def test_a_level_says_how_long() -> None:
    assert shown("due-24h") == "còn 24 giờ / due in 24 h"
    assert shown("overdue-3d") == "quá hạn 3 ngày / overdue 3 d"
    assert shown("overdue") == "quá hạn / overdue"
