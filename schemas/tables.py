"""The tables as the code expects them; a test compares them with the result of the migrations.

A line for each column of every table: one list that is read from top to bottom, and so longer than other files.
"""

from msgspec import Struct

from schemas.counters import COUNTERS


class Table(Struct, frozen=True):
    """A table: its name and its columns with their types, in the order in which rows are written.

    In `rare` columns, most rows have only the default of the type.
    """

    name: str
    columns: dict[str, str]
    rare: frozenset[str] = frozenset()


_INSTANT = "DateTime64(6, 'UTC')"
_PERHAPS = f"Nullable({_INSTANT})"
_LABEL = "LowCardinality(String)"
_POSITION = {"partition": "UInt16", "offset": "UInt64", "line": "UInt16"}

EVENTS = Table(
    "events",
    {
        "dossier": "String",
        "id": "String",
        "kind": _LABEL,
        "source": _LABEL,
        "occurred_at": _INSTANT,
        "recorded_at": _INSTANT,
        "seq": "UInt64",
        "payload": "String",
        "published_at": "DateTime64(3, 'UTC')",
    }
    | _POSITION
    | {"epoch": "UInt16"},
)

FACTS = Table(
    "facts",
    {
        "dossier": "String",
        "pos": "UInt64",
        "partition": "UInt16",
        "number": "UInt32",
        "registers": "String",
        "case_kind": _LABEL,
        "voided": "Bool",
        "agency": _LABEL,
        "receiver": _LABEL,
        "channel": _LABEL,
        "procedure": _LABEL,
        "fee_bearing": "Bool",
        "received_at": _PERHAPS,
        "term_original": _PERHAPS,
        "term": _PERHAPS,
        "extended_at": f"Array({_INSTANT})",
        "apologies": "UInt16",
        "step": _LABEL,
        "unit": _LABEL,
        "official": _LABEL,
        "step_at": _PERHAPS,
        "supplement_requested_at": f"Array({_INSTANT})",
        "suspension": _LABEL,
        "suspended_at": _PERHAPS,
        "outcome": _LABEL,
        "outcome_at": _PERHAPS,
        "on_time": "Nullable(Bool)",
        "electronic_result": "Bool",
        "returned_at": _PERHAPS,
        "payment_at": f"Array({_INSTANT})",
        "payment_amount": "Array(Int64)",
        "payment_online": "Array(Bool)",
        "payment_refunded": "Array(Int64)",
        "refund_at": f"Array({_INSTANT})",
        "refund_amount": "Array(Int64)",
        "digitised_at": _PERHAPS,
        "components": "UInt16",
        "components_digitised": "UInt16",
        "components_reused": "UInt16",
        "rated_at": _PERHAPS,
        "satisfied": "Bool",
        "score": "UInt8",
        "term_computed": _PERHAPS,
        "verdict_rule": "Array(UInt8)",
        "verdict_since": f"Array({_INSTANT})",
        "verdict_standing": "Array(UInt8)",
        "verdict_until": f"Array({_INSTANT})",
    },
    rare=frozenset(
        {
            "voided",
            "extended_at",
            "apologies",
            "supplement_requested_at",
            "suspension",
            "suspended_at",
            "payment_at",
            "payment_amount",
            "payment_online",
            "payment_refunded",
            "refund_at",
            "refund_amount",
            "rated_at",
            "satisfied",
            "score",
            "term_computed",
            "verdict_rule",
            "verdict_since",
            "verdict_standing",
            "verdict_until",
        }
    ),
)

WINDOWS = Table(
    "windows",
    {"agency": _LABEL, "window": "DateTime('UTC')", "partition": "UInt16", "pos": "UInt64"}
    | dict.fromkeys(COUNTERS, "Int64"),
)

PROGRESS = Table(
    "progress",
    {
        "topic": _LABEL,
        "partition": "UInt16",
        "pos": "UInt64",
        "offset": "UInt64",
        "published_at": "DateTime64(3, 'UTC')",
        "written_at": "DateTime64(3, 'UTC')",
        "window_lines": "UInt64",
        "window_dead": "UInt64",
        "record_offset": "Int64",
        "records": "UInt64",
        "skipped": "UInt64",
        "dossiers": "UInt32",
    },
)

DEAD_LETTERS = Table(
    "dead_letters",
    {"topic": _LABEL}
    | _POSITION
    | {
        "reason": _LABEL,
        "field": "String",
        "detail": "String",
        "content": "String",
        "published_at": "DateTime64(3, 'UTC')",
    },
)

DECISIONS = Table(
    "dead_letter_decisions",
    {"topic": _LABEL}
    | _POSITION
    | {
        "published_at": "DateTime64(3, 'UTC')",
        "state": _LABEL,
        "why": "String",
        "erased": "Bool",
        "decided_at": "DateTime64(3, 'UTC')",
    },
)

SOURCES = Table(
    "sources",
    {"source": _LABEL, "occurred_at": _INSTANT, "published_at": "DateTime64(3, 'UTC')"},
)

DEPLOYMENT = Table(
    "deployment",
    {
        "topic": _LABEL,
        "epoch": "UInt16",
        "topic_id": "String",
        "cluster": "String",
        "partitions": "UInt16",
        "rules": "String",
        "state": _LABEL,
        "source": "String",
        "changed_at": "DateTime64(3, 'UTC')",
    },
)

RESTATEMENTS = Table(
    "restatements",
    {
        "topic": _LABEL,
        "epoch": "UInt16",
        "from_epoch": "UInt16",
        "restated_at": "DateTime64(3, 'UTC')",
        "restated_by": "String",
        "why": "String",
        "rules_before": "String",
        "rules_after": "String",
        "loads_before": "String",
        "loads_after": "String",
    },
)

RESTATED_FIGURES = Table(
    "restated_figures",
    {
        "topic": _LABEL,
        "epoch": "UInt16",
        "agency": _LABEL,
        "month": "Date",
        "rule": _LABEL,
        "figure": _LABEL,
        "before": "Int64",
        "after": "Int64",
    },
)

GAPS = Table(
    "gaps",
    {
        "topic": _LABEL,
        "partition": "UInt16",
        "epoch": "UInt16",
        "from_offset": "UInt64",
        "to_offset": "UInt64",
        "why": "String",
        "at": "DateTime64(3, 'UTC')",
    },
)

ALERTS = Table(
    "dossier_alerts",
    {
        "seq": "UInt64",
        "dossier": "String",
        "state": _LABEL,
        "level": _LABEL,
        "why": _LABEL,
        "agency": _LABEL,
        "procedure": _LABEL,
        "term": _PERHAPS,
        "at": _INSTANT,
        "offset": "UInt64",
        "rule": _LABEL,
        "deadline": _PERHAPS,
    },
)

PULSE = Table(
    "pulse",
    {
        "at": "DateTime64(3, 'UTC')",
        "worker": _LABEL,
        "partitions": "UInt16",
        "lag_records": "UInt64",
        "lag_events": "UInt64",
        "lag_seconds": "Float64",
        "events": "UInt64",
        "dead": "UInt64",
    }
    | dict.fromkeys(("freshness_p50", "freshness_p99", "insert_p50", "insert_p99"), "Nullable(Float64)"),
)

AUDITS = Table(
    "audits",
    {"at": "DateTime64(3, 'UTC')", "seconds": "Float64"}
    | dict.fromkeys(("dossiers", "windows", "events", "facts_differences", "window_differences", "conflicts"), "UInt64")
    | {"scope": _LABEL, "other_differences": "UInt64", "unconfirmed": "UInt64"},
)

CITY_PAST = Table(
    "city_past",
    {"until": "DateTime('UTC')", "is_day": "Bool", "start": "DateTime('UTC')"}
    | dict.fromkeys(
        (
            *("received", "received_online", "fee_bearing", "fee_paid_online", "resolved", "resolved_on_time", "ended"),
            *("components", "components_digitised", "rated", "satisfied", "feedback_answered", "feedback_on_time"),
            *("on_time", "judged"),
        ),
        "Int64",
    ),
)

CITY_WAITING = Table(
    "city_waiting",
    {"kind": _LABEL, "agency": _LABEL, "receiver": _LABEL, "due_at": _PERHAPS}
    | dict.fromkeys(("dossiers", "overdue"), "UInt64"),
)

AGENCY_PAST = Table(
    "agency_past",
    {"until": "DateTime('UTC')", "agency": _LABEL, "day": "Date"} | dict.fromkeys(COUNTERS, "Int64"),
)

AGENCY_MONTHS = Table("agency_months", {"month": "Date", "agency": _LABEL} | dict.fromkeys(COUNTERS, "Int64"))

RECEIVER_DAYS = Table(
    "receiver_days",
    {"receiver": _LABEL, "day": "Date"} | dict.fromkeys(("received", "received_online", "received_postal"), "Int64"),
)

DATA_CONFLICTS = Table(
    "data_conflicts",
    {"kind": _LABEL, "dossier": "String", "agency": _LABEL, "since": _INSTANT, "detail": "String"},
)

DATA_QUALITY = Table(
    "data_quality",
    {"day": "Date", "agency": _LABEL, "kind": _LABEL, "dossier": "String", "source": _LABEL, "at": _INSTANT},
)

REFERENCE_LOADS = Table(
    "reference_loads",
    {
        "kind": _LABEL,
        "load": "UInt64",
        "loaded_at": "DateTime64(3, 'UTC')",
        "loaded_by": "String",
        "digest": "String",
        "files": "Array(String)",
        "rows": "UInt64",
        "changes": "String",
        "restored_from": "UInt64",
    },
)

AGENCIES = Table(
    "agencies",
    {
        "load": "UInt64",
        "code": "String",
        "valid_from": "Date32",
        "valid_to": "Date32",
        "name_vi": "String",
        "name_en": "String",
        "parent": "String",
        "level": _LABEL,
        "group": _LABEL,
        "aliases": "Array(String)",
        "successors": "Array(String)",
    },
)

AGENCY_PLACEMENTS = Table(
    "agency_placements",
    {"load": "UInt64", "agency": "String", "valid_from": "Date", "valid_to": "Date", "path": "Array(String)"},
)

PROCEDURES = Table(
    "procedures",
    {
        "load": "UInt64",
        "code": "String",
        "channel": _LABEL,
        "valid_from": "Date32",
        "valid_to": "Date32",
        "name_vi": "String",
        "name_en": "String",
        "field": _LABEL,
        "levels": f"Array({_LABEL})",
        "service_level": _LABEL,
        "term": "Nullable(UInt16)",
        "unit": _LABEL,
        "fees": "Array(Tuple(name String, amount Int64, valid_from Date32, valid_to Date32))",
        "electronic_result": "Bool",
        "components_reusable": "Array(String)",
    },
)

OFFICIALS = Table("officials", {"load": "UInt64", "code": "String", "unit": "String"})

OFFICIAL_NAMES = Table("official_names", {"load": "UInt64", "code": "String", "name": "String"})

CALENDAR_RULES = Table(
    "calendar_rules",
    {
        "load": "UInt64",
        "first": "Date32",
        "last": "Date32",
        "weekdays": "Array(UInt8)",
        "kind": _LABEL,
        "hours": "Array(Tuple(opens UInt16, closes UInt16))",
        "agency": "String",
        "applies_to": _LABEL,
        "same_day_until": "UInt16",
        "name": "String",
        "source": "String",
    },
)

RULING_LOADS = Table(
    "ruling_loads",
    {"topic": _LABEL, "epoch": "UInt16", "pinned_at": _INSTANT}
    | dict.fromkeys(("agencies", "calendar", "procedures"), "UInt64"),
)

MIGRATIONS = Table(
    "migrations",
    {"name": "String", "checksum": "String", "applied_at": "DateTime64(3, 'UTC')"},
)

TABLES = (
    *(EVENTS, FACTS, WINDOWS, PROGRESS, DEAD_LETTERS, DECISIONS, SOURCES),
    *(DEPLOYMENT, GAPS, ALERTS, PULSE, AUDITS, CITY_PAST, CITY_WAITING, AGENCY_PAST, AGENCY_MONTHS, RECEIVER_DAYS),
    *(DATA_CONFLICTS, DATA_QUALITY, MIGRATIONS, RESTATEMENTS, RESTATED_FIGURES),
    *(REFERENCE_LOADS, AGENCIES, AGENCY_PLACEMENTS, PROCEDURES, OFFICIALS, OFFICIAL_NAMES),
    *(CALENDAR_RULES, RULING_LOADS),
)
DICTIONARIES = ("agency_places", "agency_labels", "procedure_versions", "procedure_labels")
"""What is looked up of the current reference data; views may use them, so they are made before."""
VIEWS = (
    "periods",
    "leading_rule",
    "standing_alerts",
    "dossiers",
    "standings",
    "rule_figures",
    "agency_windows",
    "overdue_dossiers",
    "freshness",
    "data_age",
    "waiting",
    "city_figures",
    "event_conflicts",
    "crowded_dossiers",
    "event_ties",
    "letters",
    "open_dead_letters",
    "figure_restatements",
    "agency_names",
    "agency_tree",
    "agency_days",
    "node_figures",
    "node_days",
    "receiver_figures",
    "procedure_names",
    "procedure_figures",
    "dossier_procedures",
)
"""What analysts read."""
_WAY = "way = 'today'"
_SPAN = "since = '2026-01-01', until = '2026-12-31'"
ARGUMENTS = {
    "standings": "as_of = '2026-12-31 23:59:59.999999'",
    "rule_figures": _SPAN,
    "agency_tree": "as_of = '2026-01-01'",
    "node_figures": f"{_WAY}, {_SPAN}",
    "node_days": f"node = 'H26', {_WAY}, {_SPAN}",
    "receiver_figures": f"{_WAY}, {_SPAN}",
    "procedure_figures": _SPAN,
}
"""Views that are called with arguments like a function, each with an example of them."""


def called(view: str) -> str:
    """What to select from to read a view: its name, with example arguments where it takes any."""
    return f"{view}({ARGUMENTS[view]})" if view in ARGUMENTS else view


REFRESHES = (
    *("refresh_city_past", "refresh_city_waiting", "refresh_data_conflicts"),
    *("refresh_agency_past", "refresh_agency_months", "refresh_receiver_days"),
)
"""Refreshable views, each of which fills a table periodically: its rows may be minutes old."""
