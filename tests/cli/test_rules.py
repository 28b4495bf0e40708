"""`dossier rules` for people and for programs."""

import json
from pathlib import Path

import pytest

from schemas.events import Received, Resolved, TermSet
from streams.storage.clickhouse_client import connect
from streams.storage.deployment_plan import Plan
from tests.cli.commands import Run, named
from tests.streams.cases import at, said
from tests.streams.counted import count


def test_every_rule_is_shown_with_its_source_and_the_one_that_leads(dossier: Run, tmp_path: Path) -> None:
    profile = tmp_path / "profile.toml"
    profile.write_text(
        'leading_rule = "decision 766"\ndue_soon = {amount = 8, unit = "working hours"}\n'
        "late_from_supplement = [{valid_from = 2027-01-01, number = 3}]\n"
    )
    ended = dossier("rules", "show", profile=profile)
    assert ended.code == 0
    headings = [line for line in ended.out.splitlines() if not line.startswith(" ")]
    assert headings == [
        "instant v2  received on any day",
        "date v2  received on any day",
        "decision 766 v1  received until 2026-12-31  leads",
        "decision 766 v2  received from 2027-01-01  leads",
        "report form v1  received on any day",
        "due soon: 8 working hours before the deadline",
    ]
    assert "overdue by itself from request 3 for supplements on" in ended.out
    told = json.loads(dossier("rules", "show", "--json", profile=profile).out)
    assert told["leading"] == "decision 766"
    assert [rule["valid_to"] for rule in told["rules"] if rule["leads"]] == ["2026-12-31", None]
    assert all(rule["legal_source"] for rule in told["rules"])


@pytest.fixture
def variables(plan: Plan) -> dict[str, str]:
    """A city in which one dossier was resolved an hour after its term, and one is open since."""
    count(
        plan.clickhouse,
        said(Received, "2026-03-02 09:00", dossier="D1", agency="H01"),
        said(TermSet, "2026-03-02 09:00", dossier="D1", term=at("2026-03-05 09:00")),
        said(Resolved, "2026-03-05 10:00", dossier="D1"),
        said(Received, "2026-03-02 09:00", dossier="D2", agency="H02"),
        said(TermSet, "2026-03-02 09:00", dossier="D2", term=at("2026-03-31 09:00")),
    )
    return named(plan.clickhouse)


MARCH = ("--from", "2026-03-01", "--to", "2026-03-31")


@pytest.mark.clickhouse
def test_two_rules_side_by_side(dossier: Run, variables: dict[str, str]) -> None:
    told = json.loads(dossier("rules", "compare", "instant", "date", *MARCH, "--json", **variables).out)
    assert [(row["agency"], row["a"]["late"], row["b"]["late"]) for row in told["agencies"]] == [
        ("H01", 1, 0),
        ("H02", 0, 0),
    ]
    assert {change["dossier"]: (change["a"]["standing"], change["b"]["standing"]) for change in told["changes"]} == {
        "D1": ("late", "on time"),
        "D2": ("overdue", "in term"),
    }
    assert (told["worse"], told["better"]) == (0, 2)
    text = dossier("rules", "compare", "instant@1", "form", *MARCH, "--agency", "H01", "--limit", "0", **variables).out
    assert "1 dossier change sides: 0 late or overdue only by report form, 1 only by instant v1" in text
    assert text.endswith("and 1 more: --limit lists them\n")
    same = json.loads(dossier("rules", "compare", "current", "loaded", *MARCH, "--json", **variables).out)
    assert same["changes"] == []


@pytest.mark.clickhouse
def test_what_is_notable(dossier: Run, variables: dict[str, str]) -> None:
    told = json.loads(dossier("rules", "notable", *MARCH, "--json", **variables).out)
    assert told["total"] == 2
    assert told["agencies"][0] == {"agency": "H01", "facts": {"late without apology": 1}}
    by_date = dossier("rules", "notable", *MARCH, "--rule", "date", **variables)
    assert by_date.out == "0 notable dossiers\n"


@pytest.mark.clickhouse
def test_history_says_who_restated_what_and_why(dossier: Run, plan: Plan, variables: dict[str, str]) -> None:
    client = connect(plan.clickhouse)
    client.execute(
        "INSERT INTO deployment (topic, epoch, rules, state) VALUES",
        [("dossier-events", epoch, "v3 terms=instant time_zone=Asia/Ho_Chi_Minh", "serving") for epoch in (1, 3)],
    )
    client.execute(
        "INSERT INTO restatements (topic, epoch, from_epoch, restated_by, why) VALUES",
        [("dossier-events", 3, 1, "an", "Tết was announced")],
    )
    row = ("dossier-events", 3, "H01", at("2026-02-01 07:00").date(), "date", "late", 7, 5)
    client.execute(
        "INSERT INTO restated_figures (topic, epoch, agency, month, rule, figure, before, after) VALUES", [row]
    )
    client.disconnect()
    shown = dossier("rules", "history", **variables).out
    assert "restated by an (Tết was announced): 1 figure moved" in shown
    assert shown.endswith("2026-02  late by date: 7 -> 5\n")
    told = json.loads(dossier("rules", "history", "--json", "--agency", "H02", **variables).out)
    assert ([epoch["epoch"] for epoch in told["epochs"]], told["figures"]) == ([1, 3], [])


@pytest.mark.clickhouse
@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("compare", "day", "date"), "'day' is neither a rule"),
        (("compare", "date@9", "date"), "rule date has no version 9: it has 1, 2"),
        (("compare", "date", "instant", "--from", "2026-03-02", "--to", "2026-03-01"), "--to 2026-03-01 is before"),
        (("notable", "--from", "2099-01-01"), "--from 2099-01-01 is in the future"),
        (("notable", "--rule", "day"), "'day' is no rule"),
    ],
)
def test_what_is_wrong_is_named(
    dossier: Run, variables: dict[str, str], arguments: tuple[str, ...], complaint: str
) -> None:
    ended = dossier("rules", *arguments, **variables)
    assert ended.code == 2
    assert complaint in ended.err
