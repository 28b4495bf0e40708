"""Alert rules: what fires, at which value, whom it concerns, and what to do about it in docs/runbook.md."""

from typing import Any, Literal

from msgspec import Struct

from grafana.panels import DATASOURCE, TABLE, target
from grafana.sql_queries import query
from grafana.thresholds import (
    AGENCY_OVERDUE,
    AUDIT_AGE,
    CONFLICTS,
    DEAD_RATIO,
    DIFFERENCES,
    DUE_SOON,
    LAG,
    MINIMUM_VOLUME,
    ON_TIME,
    ONLINE_PAYMENT,
    SOURCE_AGE,
    Figure,
)

RUNBOOK = "docs/runbook.md"
FOLDER = "Hồ sơ – Dossiers"
FOLDER_UID = "dossiers"
OWNER = {"team": "dossier-stream"}
"""The label of every rule of ours."""
_EXPRESSION = "__expr__"
_SPAN_SECONDS = 600
_MINUTES = 60


class Rule(Struct, frozen=True):
    """A rule: a query that gives a number per instance, and the edge beyond which it fires.

    It fires beyond the `target` of its figure or beyond its `limit`, as `edge` says, once that held for `hold` seconds.
    `owner` and `severity` are labels: a site's notification policy routes by them. Without any row there is nothing to
    judge: `no_data` says what that means. Where its figure is a rate of agencies, `rate_of` is what it is a rate of.
    """

    name: str
    figure: Figure
    edge: Literal["target", "limit"]
    owner: Literal["agencies", "operations", "platform"]
    severity: Literal["info", "warning", "critical"]
    title: str
    summary: str
    description: str
    hold: int
    no_data: Literal["OK", "Alerting", "NoData"] = "OK"
    rate_of: str = ""

    @property
    def uid(self) -> str:
        """Its identity in Grafana, and its anchor in the runbook without the prefix."""
        return f"dossiers-{self.name}"

    @property
    def bound(self) -> float:
        """The value beyond which it fires."""
        found = self.figure.target if self.edge == "target" else self.figure.limit
        if found is None:
            raise ValueError(f"{self.figure.name} has no {self.edge}")
        return found

    @property
    def sql(self) -> str:
        """Its query: one numeric column `value`, all other columns strings that name the instance."""
        if self.rate_of:
            return query("alert_rate", rate=self.figure.name, volume=self.rate_of, minimum=str(MINIMUM_VOLUME))
        return query(f"alert_{self.name.replace('-', '_')}")

    def fires(self, value: float) -> bool:
        """Whether it fires at this value."""
        return value < self.bound if self.figure.better == "higher" else value > self.bound


_COUNT = '{{ printf "%.0f" $values.B.Value }}'
_SHARE = "{{ humanizePercentage $values.B.Value }}"
_SPAN = "{{ humanizeDuration $values.B.Value }}"

DOSSIER_RULES = (
    Rule(
        "overdue-backlog",
        AGENCY_OVERDUE,
        "limit",
        "agencies",
        "warning",
        "Tồn đọng quá hạn / Overdue backlog",
        f"{{{{ $labels.agency }}}}: {_COUNT} dossiers are overdue",
        f"{{{{ $labels.agency }}}} has {_COUNT} open dossiers past their term; up to {AGENCY_OVERDUE.limit:g} are "
        "tolerated.",
        15 * _MINUTES,
    ),
    Rule(
        "due-soon",
        DUE_SOON,
        "limit",
        "agencies",
        "info",
        "Sắp đến hạn trong 24 giờ / Due within 24 hours",
        f"{{{{ $labels.agency }}}}: {_COUNT} dossiers are due within 24 hours",
        f"{_COUNT} open dossiers of {{{{ $labels.agency }}}} reach their term within 24 hours.",
        15 * _MINUTES,
    ),
    Rule(
        "on-time-rate",
        ON_TIME,
        "target",
        "agencies",
        "warning",
        "Tỷ lệ đúng hạn dưới mục tiêu / On-time rate under target",
        f"{{{{ $labels.agency }}}}: {_SHARE} resolved on time this month",
        f"{{{{ $labels.agency }}}} resolved {_SHARE} of its dossiers of this month on time; the target is "
        f"{ON_TIME.target:.0%}.",
        60 * _MINUTES,
        rate_of="resolved",
    ),
    Rule(
        "payment-rate",
        ONLINE_PAYMENT,
        "target",
        "agencies",
        "info",
        "Tỷ lệ thanh toán trực tuyến dưới mục tiêu / Online payment rate under target",
        f"{{{{ $labels.agency }}}}: {_SHARE} paid online this month",
        f"{_SHARE} of the fee-bearing dossiers that {{{{ $labels.agency }}}} received this month were paid online; "
        f"the target is {ONLINE_PAYMENT.target:.0%}.",
        60 * _MINUTES,
        rate_of="fee_bearing",
    ),
)
PIPELINE_RULES = (
    Rule(
        "source-silent",
        SOURCE_AGE,
        "limit",
        "operations",
        "warning",
        "Nguồn không gửi dữ liệu / No data from a source",
        "{{ $labels.source }} has sent nothing for " + _SPAN,
        f"The newest event of {{{{ $labels.source }}}} was published {_SPAN} ago; its figures stand still.",
        10 * _MINUTES,
    ),
    Rule(
        "lag",
        LAG,
        "limit",
        "platform",
        "critical",
        "Hệ thống đếm chậm / Pipeline lag",
        f"Counting lags {_SPAN} behind",
        f"The oldest event that is not counted has waited {_SPAN}, or no worker has said anything for so long.",
        2 * _MINUTES,
        "Alerting",
    ),
    Rule(
        "dead-letters",
        DEAD_RATIO,
        "limit",
        "operations",
        "warning",
        "Nhiều bản ghi bị loại / Dead-letter ratio",
        f"{_SHARE} of the lines of the last hour could not be counted",
        f"{_SHARE} of the lines of the last hour became dead letters; up to {DEAD_RATIO.limit:.0%} are tolerated.",
        5 * _MINUTES,
    ),
    Rule(
        "audit",
        DIFFERENCES,
        "limit",
        "platform",
        "critical",
        "Sai lệch khi kiểm toán / Audit difference",
        f"The last audit found {_COUNT} differences",
        f"{_COUNT} counts or facts are not what the events say, as the last audit that ended found.",
        0,
    ),
    Rule(
        "audit-missing",
        AUDIT_AGE,
        "target",
        "platform",
        "warning",
        "Chưa kiểm toán / No audit",
        f"No audit has ended for {_SPAN}",
        f"For {_SPAN} no audit has ended, or none ever did since counting began: nobody knows that the counts are what "
        "the events say.",
        10 * _MINUTES,
    ),
    Rule(
        "data-conflicts",
        CONFLICTS,
        "limit",
        "operations",
        "info",
        "Dữ liệu mâu thuẫn / Contradicting records",
        f"{{{{ $labels.kind }}}}: {_COUNT} dossiers",
        f"Two records say what cannot both be so ({{{{ $labels.kind }}}}), of {_COUNT} dossiers of thirty days.",
        60 * _MINUTES,
    ),
)
GROUPS = {"dossiers": (300, DOSSIER_RULES), "pipeline": (60, PIPELINE_RULES)}
"""Rules by group, with the seconds between two evaluations, a multiple of ten."""
RULES = tuple(rule for _, rules in GROUPS.values() for rule in rules)


def provisioning() -> dict[str, Any]:
    """The file that Grafana reads at its start, which may be JSON for YAML."""
    return {
        "apiVersion": 1,
        "groups": [
            {
                "orgId": 1,
                "name": name,
                "folder": FOLDER,
                "interval": f"{seconds}s",
                "rules": [rule_document(rule) for rule in rules],
            }
            for name, (seconds, rules) in GROUPS.items()
        ],
    }


def rule_document(rule: Rule) -> dict[str, Any]:
    """The rule in the shape that files and API share."""
    return {
        "uid": rule.uid,
        "title": rule.title,
        "condition": "C",
        "data": [
            _data("A", DATASOURCE["uid"], target(rule.sql, TABLE) | {"intervalMs": 60_000, "maxDataPoints": 1000}),
            _data("B", _EXPRESSION, {"refId": "B", "type": "reduce", "expression": "A", "reducer": "last"}),
            _data(
                "C", _EXPRESSION, {"refId": "C", "type": "threshold", "expression": "B", "conditions": [_beyond(rule)]}
            ),
        ],
        "for": _duration(rule.hold),
        "noDataState": rule.no_data,
        # A database that does not answer is one more thing to know, and not the same as nothing being wrong.
        "execErrState": "Error",
        "labels": OWNER | {"owner": rule.owner, "severity": rule.severity},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description,
            "runbook": f"{RUNBOOK}#{rule.name}",
        },
        "isPaused": False,
    }


def _duration(seconds: int) -> str:
    """As Grafana writes it back: in its greatest whole unit."""
    for size, unit in ((3600, "h"), (60, "m")):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"


def _data(ref: str, datasource: str, model: dict[str, Any]) -> dict[str, Any]:
    span = {"from": _SPAN_SECONDS if datasource != _EXPRESSION else 0, "to": 0}
    return {"refId": ref, "relativeTimeRange": span, "datasourceUid": datasource, "model": model}


def _beyond(rule: Rule) -> dict[str, Any]:
    kind = "lt" if rule.figure.better == "higher" else "gt"
    return {"type": "query", "evaluator": {"type": kind, "params": [rule.bound]}}
