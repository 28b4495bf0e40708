"""`dossier work` starts only where it may count, and else says in one line why not."""

from pathlib import Path

import pytest

from streams.migration import Plan
from tests.cli.commands import Run

pytestmark = [pytest.mark.kafka, pytest.mark.clickhouse]


def test_a_database_that_was_not_migrated(dossier: Run, deployed: dict[str, str]) -> None:
    ended = dossier("work", **deployed | {"database": "never_made"})
    assert ended.code == 2
    assert "never_made" in ended.reason
    assert ended.reason.endswith("run `dossier migrate`")


def test_a_database_that_belongs_to_no_topic_yet(dossier: Run, deployed: dict[str, str], plan: Plan) -> None:
    ended = dossier("work", **deployed | {"database": plan.clickhouse.database})
    assert ended.code == 2
    assert ended.reason == f"database {plan.clickhouse.database} belongs to no topic yet: run `dossier migrate`"


def test_other_rules_than_those_of_the_counts(dossier: Run, deployed: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "date.toml").write_text('terms = "date"')
    ended = dossier("work", profile=tmp_path / "date.toml", **deployed)
    assert ended.code == 4
    assert ended.reason == (
        f"the counts in database {deployed['database']} have rules v1 terms=instant time_zone=Asia/Ho_Chi_Minh, but "
        "now it is v1 terms=date time_zone=Asia/Ho_Chi_Minh: use the former profile, or stop the workers and count "
        "anew by these rules with `dossier rebuild`"
    )
