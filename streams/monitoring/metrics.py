"""The metrics: each with its name, kind and help, and a registry of their values."""

from typing import Literal

from msgspec import Struct
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest


class Metric(Struct, frozen=True):
    """One metric as Prometheus shows it. `help` is one line and stands in docs/monitoring.md word for word."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


_FAST = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0)
_AGES = (0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86400.0)
_SIZES = (1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0, 10_000.0, 30_000.0, 100_000.0)

BUILD = Metric("dossier_build_info", "gauge", "Always 1: what runs, and by which rules.", ("version", "rules", "epoch"))
MEMORY = Metric("process_resident_memory_bytes", "gauge", "Memory of the process.")

LAG_RECORDS = Metric(
    "dossier_lag_records", "gauge", "Kafka records of an owned partition that are not counted yet.", ("partition",)
)
LAG_EVENTS = Metric(
    "dossier_lag_events",
    "gauge",
    "Events not counted yet, estimated: the records that wait times the events a record had of late.",
)
LAG_SECONDS = Metric(
    "dossier_lag_seconds",
    "gauge",
    "Age of the oldest record of a partition that is not counted yet, by the broker's clock; 0 when none waits.",
    ("partition",),
)
FRESHNESS = Metric(
    "dossier_freshness_seconds",
    "histogram",
    "From a record's own timestamp until its windows were confirmed; of a history, the age of its records.",
    buckets=_AGES,
)
BATCH_RECORDS = Metric("dossier_batch_records", "histogram", "Kafka records in a batch.", buckets=_SIZES)
BATCH_EVENTS = Metric("dossier_batch_events", "histogram", "Events in a batch.", buckets=_SIZES)
BATCH_SECONDS = Metric(
    "dossier_batch_seconds",
    "histogram",
    "Time to count a batch, with its reads, and to flush the batches that waited, until everything is confirmed.",
    ("stage",),
    _FAST,
)
OPERATION_SECONDS = Metric(
    "dossier_operation_seconds",
    "histogram",
    "Time of a read or insert by table, and of sending dead letters; retries and pauses included.",
    ("operation", "table"),
    _FAST,
)
RETRIES = Metric(
    "dossier_retries_total",
    "counter",
    "Reads and inserts that failed or remained uncertain and were repeated.",
    ("operation", "table"),
)
RECORDS = Metric("dossier_records_total", "counter", "Kafka records counted and confirmed.")
EVENTS = Metric(
    "dossier_events_total", "counter", "Events counted and confirmed; those that came twice are in it twice."
)
DEAD_LETTERS = Metric("dossier_dead_letters_total", "counter", "Dead letters, by reason.", ("reason",))
REBALANCES = Metric("dossier_rebalances_total", "counter", "Times the group was rebalanced.")
PARTITIONS = Metric("dossier_partitions", "gauge", "Partitions this worker owns.")
CACHED = Metric("dossier_cached", "gauge", "Cached rows: dossiers and windows.", ("what",))
STATE_PARTITIONS = Metric(
    "dossier_state_partitions",
    "gauge",
    "Owned partitions with complete local state; ClickHouse is asked about the dossiers of the others.",
)
STATE_FAILURES = Metric(
    "dossier_state_failures_total", "counter", "Times that local state failed, was locked or could not be opened."
)
OFFSET = Metric(
    "dossier_offset", "gauge", "Last offset counted, of a record or an offset gap, by partition.", ("partition",)
)
LAST_BATCH = Metric(
    "dossier_last_batch_timestamp_seconds", "gauge", "When a batch was last confirmed, in Unix seconds; 0 before."
)

ALERTS = Metric(
    "dossier_alerts_total", "counter", "Alerts about late dossiers, by state and level.", ("state", "level")
)
ALERTS_STANDING = Metric(
    "dossier_alerts_standing",
    "gauge",
    "Dossiers with an alert that stands, by level, as the leading worker found in its last scan.",
    ("level",),
)
ALERTS_SECONDS = Metric("dossier_alerts_seconds", "gauge", "How long the last scan for late dossiers took.")
ALERTS_LOOKED = Metric(
    "dossier_alerts_looked_timestamp_seconds",
    "gauge",
    "When this worker last scanned for late dossiers, in Unix seconds; 0 where it never did.",
)

WORKER = (
    *(LAG_RECORDS, LAG_EVENTS, LAG_SECONDS, FRESHNESS, BATCH_RECORDS, BATCH_EVENTS, BATCH_SECONDS),
    *(OPERATION_SECONDS, RETRIES, RECORDS, EVENTS, DEAD_LETTERS, REBALANCES, PARTITIONS, CACHED),
    *(STATE_PARTITIONS, STATE_FAILURES, OFFSET, LAST_BATCH),
    *(ALERTS, ALERTS_STANDING, ALERTS_SECONDS, ALERTS_LOOKED),
    *(BUILD, MEMORY),
)
"""The metrics of a worker."""

DIFFERENCES = Metric(
    "dossier_audit_differences",
    "gauge",
    "Differences that the last finished audit of everything, or one since of what moved, found: of each kind.",
    ("kind",),
)
UNCONFIRMED = Metric(
    "dossier_audit_unconfirmed",
    "gauge",
    "Rows that the last finished audit could not confirm, past the progress of a worker that stands still.",
)
CONFLICTS = Metric(
    "dossier_audit_conflicts", "gauge", "Event ids with several contents, in the last finished audit of everything."
)
AUDIT_AGE = Metric(
    "dossier_audit_age_seconds", "gauge", "Time since the last audit finished, or since the start where none has."
)
AUDIT_SECONDS = Metric("dossier_audit_seconds", "gauge", "How long the last finished audit took.")
AUDITS = Metric(
    "dossier_audits_total", "counter", "Audits by how they ended: sound, differing or unfinished.", ("ended",)
)

AUDIT = (DIFFERENCES, UNCONFIRMED, CONFLICTS, AUDIT_AGE, AUDIT_SECONDS, AUDITS, BUILD, MEMORY)
"""The metrics of `dossier audit --every`."""

ROUTED_RECORDS = Metric("dossier_routed_records_total", "counter", "Records of the routed topic, once committed.")
ROUTED_EVENTS = Metric("dossier_routed_events_total", "counter", "Events published from them, once committed.")
ROUTED_LETTERS = Metric(
    "dossier_routed_dead_letters_total", "counter", "Dead letters of the routed topic, by reason.", ("reason",)
)
ROUTER_LAG = Metric(
    "dossier_router_lag_records", "gauge", "Records of an owned partition that are not routed yet.", ("partition",)
)
ROUTER_RESUMED = Metric(
    "dossier_router_resumed_total",
    "counter",
    "Times that a service failed and routing began again behind the last commit.",
)
ROUTER_TURNED = Metric(
    "dossier_router_turned_timestamp_seconds",
    "gauge",
    "When the router last asked for records and had routed what came, in Unix seconds; 0 before.",
)

ROUTER = (ROUTED_RECORDS, ROUTED_EVENTS, ROUTED_LETTERS, ROUTER_LAG, ROUTER_RESUMED, ROUTER_TURNED, MEMORY)
"""The metrics of a router."""


RECEIVER_REQUESTS = Metric(
    "dossier_receiver_requests_total",
    "counter",
    "Requests that were answered, by service and status.",
    ("service", "status"),
)
RECEIVER_ITEMS = Metric(
    "dossier_receiver_items_total", "counter", "Items of requests: taken, or rejected and put aside.", ("ended",)
)
RECEIVER_SECONDS = Metric(
    "dossier_receiver_seconds", "histogram", "Time to answer a request, by service.", ("service",), _FAST
)
RECEIVER_FLAGS = Metric(
    "dossier_receiver_flags_total",
    "counter",
    "Distortions that were flagged, by kind; repeated ones each time.",
    ("kind",),
)
RECEIVER_FLAGS_LOST = Metric(
    "dossier_receiver_flags_lost_total",
    "counter",
    "Distortions that never reached their table, because ClickHouse was away for too long.",
)
RECEIVER_TROUBLE = Metric(
    "dossier_receiver_trouble_total", "counter", "Times that Kafka, ClickHouse or the file of rejects failed."
)

RECEIVER = (
    *(RECEIVER_REQUESTS, RECEIVER_ITEMS, RECEIVER_SECONDS),
    *(RECEIVER_FLAGS, RECEIVER_FLAGS_LOST, RECEIVER_TROUBLE),
)
"""The metrics of `dossier receive`."""


class Meters:
    """The values of these metrics, in a registry of their own. Any thread may call any method."""

    def __init__(self, metrics: tuple[Metric, ...]) -> None:
        # The time when a series began is of no use here and doubles the page; the library has this global switch only.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # theirs
        self._registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for each in metrics:
            named = each.name, each.help, each.labels
            if each.kind == "counter":
                self._counters[each.name] = Counter(*named, registry=self._registry)
            elif each.kind == "gauge":
                self._gauges[each.name] = Gauge(*named, registry=self._registry)
            else:
                self._histograms[each.name] = Histogram(*named, registry=self._registry, buckets=each.buckets)

    def add(self, metric: Metric, amount: float, *labels: str) -> None:
        """Raise a counter."""
        counter = self._counters[metric.name]
        (counter.labels(*labels) if labels else counter).inc(amount)

    def set(self, metric: Metric, value: float, *labels: str) -> None:
        """Set a gauge."""
        gauge = self._gauges[metric.name]
        (gauge.labels(*labels) if labels else gauge).set(value)

    def clear(self, metric: Metric) -> None:
        """Remove a gauge's values of all labels."""
        self._gauges[metric.name].clear()

    def observe(self, metric: Metric, value: float, *labels: str) -> None:
        """Add a value to a histogram."""
        histogram = self._histograms[metric.name]
        (histogram.labels(*labels) if labels else histogram).observe(value)

    def page(self) -> bytes:
        """All values in Prometheus' text format."""
        return generate_latest(self._registry)
