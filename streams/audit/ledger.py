"""What the ledger of each partition shows: rows taken out of all tables at once, and progress that was moved."""

from collections.abc import Iterator

from clickhouse_driver import Client

from schemas.topics import EVENTS
from streams.audit.findings import Finding

_SHOWN = 20


def of_progress(client: Client) -> Iterator[Finding]:
    """Partitions of which progress is elsewhere than what was counted brings it; raises what the driver does."""
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


def of_numbers(client: Client) -> Iterator[tuple[int, Finding]]:
    """Cases whose numbers are missing, and how many of each partition; raises what the driver does."""
    # Progress first: what it says is stored by then.
    given = client.execute("SELECT partition, dossiers FROM progress FINAL WHERE topic = %(topic)s", {"topic": EVENTS})
    for partition, dossiers in given:
        of = {"partition": partition, "dossiers": dossiers}
        ((found,),) = client.execute(
            "SELECT groupBitmapIf(number, number BETWEEN 1 AND %(dossiers)s) FROM facts "
            "WHERE partition = %(partition)s",
            of,
        )
        if found < dossiers:
            ((missing,),) = client.execute(
                "SELECT groupArray(%(shown)s)(each) "
                "FROM (SELECT toUInt32(number + 1) AS each FROM numbers(%(dossiers)s)) "
                "WHERE each NOT IN (SELECT number FROM facts WHERE partition = %(partition)s)",
                of | {"shown": _SHOWN},
            )
            gone = dossiers - found
            named = f"{', '.join(map(str, missing))}{' and more' * (gone > _SHOWN)}"
            is_there, should = f"{found} of its {dossiers} cases", f"also those with numbers {named}"
            yield gone, Finding("numbers", f"partition {partition}", is_there, should)


def of_alerts(client: Client) -> Iterator[Finding]:
    """Alerts whose numbers are missing; raises what the driver does."""
    ((last, found),) = client.execute("SELECT max(seq), uniqExact(seq) FROM dossier_alerts")
    if found < last:
        yield Finding("alerts", "dossier_alerts", f"{found} alerts", f"{last}, numbered without gaps")
