"""Audits one after another: what they leave as metrics, and when a line is logged."""

import math

import pytest
from prometheus_client.parser import text_string_to_metric_families

from schemas.deployment_profile import Profile
from streams.audit.findings import Audit, FactsDifference, WindowDifference
from streams.audit.service import AuditService
from streams.errors import NotMigrated, Unreachable

SOUND = Audit(2, 5, 3, [], [], 1)
WINDOW = WindowDifference("H01", "2026-03-02T01:00:00+00:00", 3, "received", 2, 1)
FACTS = FactsDifference("D1", "step", "Nguyễn", "")
DIFFERING = Audit(2, 5, 3, [WINDOW], [FACTS, FACTS], 0)


class Audits:
    """Audits that end as the test says, each after two seconds of a clock of its own."""

    def __init__(self) -> None:
        self.seconds = 100.0
        self.next: Audit | Exception = SOUND
        self.auditor = AuditService(lambda: self.seconds)

    def run(self, ended: Audit | Exception) -> None:
        self.next = ended
        self.auditor.run(self._audit)

    def values(self) -> dict[str, float]:
        families = text_string_to_metric_families(self.auditor.page().decode())
        return {
            " ".join([sample.name, *sample.labels.values()]): sample.value
            for family in families
            for sample in family.samples
        }

    def _audit(self) -> Audit:
        self.seconds += 2
        if isinstance(self.next, Exception):
            raise self.next
        return self.next


@pytest.fixture
def audits() -> Audits:
    return Audits()


def test_before_the_first_audit_nothing_is_claimed(audits: Audits) -> None:
    audits.seconds += 7
    shown = audits.values()
    assert math.isnan(shown["dossier_audit_differences facts"])
    assert math.isnan(shown["dossier_audit_differences windows"])
    assert shown["dossier_audit_age_seconds"] == 7
    assert not audits.auditor.health().ready


def test_what_an_audit_found_is_shown_until_the_next(audits: Audits) -> None:
    audits.run(DIFFERING)
    audits.seconds += 5
    shown = audits.values()
    assert (shown["dossier_audit_differences facts"], shown["dossier_audit_differences windows"]) == (2, 1)
    assert (shown["dossier_audit_seconds"], shown["dossier_audit_age_seconds"]) == (2, 5)
    audits.run(SOUND)
    shown = audits.values()
    assert (shown["dossier_audit_differences facts"], shown["dossier_audit_differences windows"]) == (0, 0)
    assert shown["dossier_audit_conflicts"] == 1
    assert (shown["dossier_audits_total sound"], shown["dossier_audits_total differing"]) == (1, 1)


def test_a_database_that_is_away_leaves_the_last_figures_and_their_age_grows(audits: Audits) -> None:
    audits.run(DIFFERING)
    audits.run(Unreachable("ClickHouse at c:9000 does not answer"))
    shown = audits.values()
    assert shown["dossier_audit_differences facts"] == 2
    assert shown["dossier_audit_age_seconds"] == 2
    assert shown["dossier_audits_total unfinished"] == 1
    health = audits.auditor.health()
    assert (health.ready, health.differences) == (False, 3)
    assert health.state == "the last audit did not finish: ClickHouse at c:9000 does not answer"
    audits.run(SOUND)
    assert audits.auditor.health().ready


def test_tables_that_are_missing_are_no_outage(audits: Audits) -> None:
    with pytest.raises(NotMigrated):
        audits.run(NotMigrated("run `dossier migrate`"))


def test_a_change_of_the_number_is_logged_once_with_places_and_no_content(
    audits: Audits, caplog: pytest.LogCaptureFixture
) -> None:
    audits.run(SOUND)
    assert caplog.records == []
    for _ in range(3):
        audits.run(DIFFERING)
    told = [vars(line) for line in caplog.records]
    assert [(line["msg"], line.get("kind"), line.get("differences")) for line in told[:2]] == [
        ("the number of differences has changed", "facts", 2),
        ("the number of differences has changed", "windows", 1),
    ]
    assert [line["msg"] for line in told[2:]] == ["facts differ", "facts differ", "a window differs"]
    assert (told[2]["dossier"], told[2]["column"]) == ("D1", "step")
    assert "Nguyễn" not in str(told)
    caplog.clear()
    audits.run(SOUND)
    assert [line.getMessage() for line in caplog.records] == ["the number of differences has changed"] * 2


def test_what_runs_is_told(audits: Audits) -> None:
    audits.auditor.built("1.2", Profile())
    assert f"dossier_build_info  {Profile().rules} 1.2" in audits.values()
