"""The ledger of each partition: it shows cases that were removed from all tables, and progress that was moved."""

from collections.abc import Iterator

from clickhouse_driver import Client

from schemas.topics import EVENTS
from streams.audit.findings import Finding

_SHOWN = 20


def progress_findings(client: Client) -> Iterator[Finding]:
    """Partitions whose progress is not where their counted records end; raises what the driver does."""
    sql = (
        "SELECT partition, offset, records, skipped FROM progress FINAL "
        "WHERE topic = %(topic)s AND offset + 1 != records + skipped ORDER BY partition"
    )
    for partition, offset, records, skipped in client.execute(sql, {"topic": EVENTS}):
        yield Finding(
            "progress",
            f"partition {partition}",
            f"offset {offset}",
            f"offset {records + skipped - 1}, after {records} records and {skipped} offsets without one",
        )


def number_findings(client: Client) -> Iterator[tuple[int, Finding]]:
    """Missing numbers of cases: how many of each partition, and which; raises what the driver does."""
    # Progress first: the cases that it counts are stored by then.
    counts = client.execute("SELECT partition, dossiers FROM progress FINAL WHERE topic = %(topic)s", {"topic": EVENTS})
    for partition, dossiers in counts:
        parameters = {"partition": partition, "dossiers": dossiers}
        ((found,),) = client.execute(
            "SELECT groupBitmapIf(number, number BETWEEN 1 AND %(dossiers)s) FROM facts "
            "WHERE partition = %(partition)s",
            parameters,
        )
        if found < dossiers:
            ((missing,),) = client.execute(
                "SELECT groupArray(%(shown)s)(each) "
                "FROM (SELECT toUInt32(number + 1) AS each FROM numbers(%(dossiers)s)) "
                "WHERE each NOT IN (SELECT number FROM facts WHERE partition = %(partition)s)",
                parameters | {"shown": _SHOWN},
            )
            number = dossiers - found
            named = f"{', '.join(map(str, missing))}{' and more' * (number > _SHOWN)}"
            stored, should = f"{found} of its {dossiers} cases", f"also those with numbers {named}"
            yield number, Finding("numbers", f"partition {partition}", stored, should)
