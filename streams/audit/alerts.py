"""Alerts: their numbers without gaps, and the table against the topic."""

from collections.abc import Iterator
from typing import Any

from clickhouse_driver import Client

from schemas.connection import KafkaConnection, Secret
from streams.alerts.topic import read_alerts
from streams.audit.findings import Finding


def alert_number_findings(client: Client) -> Iterator[Finding]:
    """Alerts whose numbers are missing from the table; raises what the driver does."""
    ((last, found),) = client.execute("SELECT max(seq), uniqExact(seq) FROM dossier_alerts")
    if found < last:
        yield Finding("alerts", "dossier_alerts", f"{found} alerts", f"{last}, numbered without gaps")


def alert_topic_findings(client: Client, kafka: KafkaConnection, key: Secret | None) -> Iterator[Finding]:
    """The first alert of which table and topic differ; alerts that the table does not have yet are no difference.

    Raises Unreachable, or what the driver does.
    """
    columns = "seq, dossier, state, level, why, agency"
    stored = iter(client.execute(f"SELECT DISTINCT {columns} FROM dossier_alerts ORDER BY seq"))  # noqa: S608  # ours
    published = (
        (alert.seq, alert.dossier, alert.state, alert.level, alert.why, alert.agency)
        for _, alert in read_alerts(kafka, 0, key)
    )
    should = next(published, None)
    row: tuple[Any, ...] | None = next(stored, None)
    while row is not None and should is not None and row[0] < should[0]:
        row = next(stored, None)  # older than what the topic still has
    while row is not None and should is not None:
        if row != should:
            yield Finding("alerts", f"alert {min(row[0], should[0])}", _text(row), _text(should))
            return
        row, should = next(stored, None), next(published, None)
    if row is not None and should is None:
        yield Finding("alerts", f"alert {row[0]}", _text(row), "no such alert on the topic")


def _text(alert: tuple[Any, ...]) -> str:
    return " ".join(map(str, alert))
