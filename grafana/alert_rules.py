"""Alert rules: what fires, at which value, who is responsible, and what to do (a section of docs/runbook.md)."""

from typing import Any, Literal

from msgspec import Struct

from grafana.panels import DATASOURCE, TABLE, target
from grafana.reference_names import agency_name, is_declared, with_code
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
    UNDECLARED,
    Figure,
)

RUNBOOK = "docs/runbook.md"
FOLDER = "Hồ sơ – Dossiers"
FOLDER_UID = "dossiers"
OWNER = {"team": "dossier-stream"}
"""The label that marks a rule as ours."""
_EXPRESSION = "__expr__"
_SPAN_SECONDS = 600
_MINUTES = 60


class Rule(Struct, frozen=True):
    """A rule: a query that gives a number per instance, and the threshold beyond which it fires.

    It fires beyond the `target` or the `limit` of its figure, as `edge` says, once that has lasted `hold` seconds.
    `owner` and `severity` are labels by which a site's notification policy routes. `no_data` is the state when the
    query returns no row. For a rate by agency, `rate_of` is the denominator. `placeholders` fill in its query.
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
    placeholders: dict[str, str] = {}

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
            rate = {"rate": self.figure.name, "volume": self.rate_of, "minimum": str(MINIMUM_VOLUME)}
            return query("alert_rate", **rate, **self.placeholders)
        return query(f"alert_{self.name.replace('-', '_')}", **self.placeholders)

    def fires(self, value: float) -> bool:
        """Whether it fires at this value."""
        return value < self.bound if self.figure.better == "higher" else value > self.bound


_NAMED = {"agency_name": with_code(agency_name("agency"), "agency")}
_DECLARED = {f"{kind}_are_declared": is_declared(kind) for kind in ("agencies", "procedures", "officials")}
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
        f"{{{{ $labels.agency_name }}}}: {_COUNT} dossiers are overdue",
        f"{{{{ $labels.agency_name }}}} has {_COUNT} open dossiers that are overdue; up to {AGENCY_OVERDUE.limit:g} "
        "are tolerated.",
        15 * _MINUTES,
        placeholders=_NAMED,
    ),
    Rule(
        "due-soon",
        DUE_SOON,
        "limit",
        "agencies",
        "info",
        "Sắp đến hạn / Due soon",
        f"{{{{ $labels.agency_name }}}}: {_COUNT} dossiers are due soon",
        f"{_COUNT} open dossiers of {{{{ $labels.agency_name }}}} are due soon by the leading rule.",
        15 * _MINUTES,
        placeholders=_NAMED,
    ),
    Rule(
        "on-time-rate",
        ON_TIME,
        "target",
        "agencies",
        "warning",
        "Tỷ lệ đúng hạn dưới mục tiêu / On-time rate under target",
        f"{{{{ $labels.agency_name }}}}: {_SHARE} resolved on time this month",
        f"{{{{ $labels.agency_name }}}} ended {_SHARE} of its dossiers of this month on time; the target is "
        f"{ON_TIME.target:.0%}.",
        60 * _MINUTES,
        rate_of="judged",
        placeholders=_NAMED,
    ),
    Rule(
        "payment-rate",
        ONLINE_PAYMENT,
        "target",
        "agencies",
        "info",
        "Tỷ lệ thanh toán trực tuyến dưới mục tiêu / Online payment rate under target",
        f"{{{{ $labels.agency_name }}}}: {_SHARE} paid online this month",
        f"{_SHARE} of the fee-bearing dossiers that {{{{ $labels.agency_name }}}} received this month were paid "
        f"online; the target is {ONLINE_PAYMENT.target:.0%}.",
        60 * _MINUTES,
        rate_of="fee_bearing",
        placeholders=_NAMED,
    ),
    Rule(
        "undeclared-codes",
        UNDECLARED,
        "limit",
        "operations",
        "warning",
        "Nhiều mã chưa khai báo / Many undeclared codes",
        f"{_COUNT} {{{{ $labels.kind }}}} are not declared",
        f"Dossiers of the last thirty days state {_COUNT} {{{{ $labels.kind }}}} that the reference data does not "
        "declare.",
        60 * _MINUTES,
        placeholders=_DECLARED,
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
        f"The newest event of {{{{ $labels.source }}}} was published {_SPAN} ago; its figures no longer change.",
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
        f"The oldest uncounted event has waited {_SPAN}, or no worker has sent a heartbeat for that long.",
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
        f"The last audit that ended found {_COUNT} counts or facts that disagree with the events.",
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
        f"No audit has ended for {_SPAN}, or since counting began: only an audit shows that the counts agree with the "
        "events.",
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
        f"{_COUNT} dossiers of the last thirty days have records that contradict each other ({{{{ $labels.kind }}}}).",
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
        # A database that does not answer must be visible: it does not mean that everything is fine.
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
    """A duration in its largest whole unit, which is how Grafana returns it."""
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
