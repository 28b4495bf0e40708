"""The declared metrics and their page."""

import re

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.monitoring.metrics import (
    AUDIT,
    EVENTS,
    FRESHNESS,
    LAG_RECORDS,
    RECEIVER,
    RETRIES,
    WORKER,
    Meters,
    Metric,
)


@pytest.mark.parametrize("metrics", [WORKER, AUDIT, RECEIVER], ids=["worker", "audit", "receiver"])
def test_the_page_has_every_metric_with_its_kind_and_help_and_no_other(metrics: tuple[Metric, ...]) -> None:
    families = text_string_to_metric_families(Meters(metrics).page().decode())
    shown = {family.name: (family.type, family.documentation) for family in families}
    assert shown == {metric.name.removesuffix("_total"): (metric.kind, metric.help) for metric in metrics}


@pytest.mark.parametrize("metric", dict.fromkeys((*WORKER, *AUDIT, *RECEIVER)), ids=lambda each: each.name)
def test_names_and_help_follow_prometheus_conventions(metric: Metric) -> None:
    assert re.fullmatch(r"(dossier|process)_[a-z_]+", metric.name)
    assert metric.name.endswith("_total") == (metric.kind == "counter")
    assert metric.help.endswith(".")
    assert "|" not in metric.help
    assert list(metric.buckets) == sorted(set(metric.buckets))
    assert bool(metric.buckets) == (metric.kind == "histogram")


def test_values_are_those_that_were_told_to_this_one_alone() -> None:
    one, other = Meters(WORKER), Meters(WORKER)
    one.add(EVENTS, 3)
    one.add(RETRIES, 1, "read", "facts")
    one.set(LAG_RECORDS, 7, "0")
    one.observe(FRESHNESS, 0.25)
    page = one.page().decode()
    for line in (
        "dossier_events_total 3.0",
        'dossier_retries_total{operation="read",table="facts"} 1.0',
        'dossier_lag_records{partition="0"} 7.0',
        'dossier_freshness_seconds_bucket{le="0.2"} 0.0',
        'dossier_freshness_seconds_bucket{le="0.3"} 1.0',
    ):
        assert line in page.splitlines()
    assert "_created" not in page
    assert "dossier_events_total 0.0" in other.page().decode().splitlines()
    one.clear(LAG_RECORDS)
    assert 'partition="0"' not in one.page().decode()
