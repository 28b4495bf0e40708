"""Runs a scenario in a city of its own, and says what came of it."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from chaos.city import City, Stuck
from chaos.outcome import Outcome
from chaos.scale import Scale
from chaos.scenarios import crashes, disk, group, network, sources
from chaos.volume import NotPermitted

SCENARIOS: dict[str, Callable[[City, Scale], int]] = {
    "crash points": crashes.crash_points,
    "workers killed": crashes.workers_killed,
    "ClickHouse killed in an insert": crashes.clickhouse_killed,
    "broker killed": crashes.brokers_killed,
    "connection cut after an insert": network.inserts_cut,
    "ClickHouse slow": network.clickhouse_slow,
    "ClickHouse hung": network.clickhouse_hung,
    "ClickHouse away": network.clickhouse_away,
    "zombies": group.zombies,
    "rebalances under load": group.rebalances,
    "clock jumps": group.clock_jumps,
    "duplicates": sources.duplicates,
    "disorder": sources.disorder,
    "corrections": sources.corrections,
    "foreign producer": sources.foreign_producer,
    "ClickHouse's disk full": disk.clickhouse_disk_full,
    "Kafka's disk full": disk.kafka_disk_full,
}
"""Every scenario of a real deployment, by the name that the table shows."""

_SMALL_DISKS = (disk.clickhouse_disk_full, disk.kafka_disk_full)


def run(name: str, scale: Scale, seed: int, data: Path) -> Outcome:
    """Run one scenario in an empty directory; what it leaves there is kept only where something was wrong."""
    scenario = SCENARIOS[name]
    shutil.rmtree(data, ignore_errors=True)
    begun = time.monotonic()
    try:
        with City(data, seed, small_disks=scenario in _SMALL_DISKS) as city:
            outcome = _attacked(name, scenario, city, scale)
    except NotPermitted as error:
        return Outcome(scenario=name, skipped=str(error))
    except (AssertionError, Stuck) as error:
        outcome = Outcome(scenario=name, failure=str(error), events=len(city.sent))
    outcome = structs.replace(outcome, seconds=round(time.monotonic() - begun, 1))
    if outcome.passed:
        shutil.rmtree(data, ignore_errors=True)
    return outcome


def _attacked(name: str, scenario: Callable[[City, Scale], int], city: City, scale: Scale) -> Outcome:
    runs = scenario(city, scale)
    found = city.verdict()
    return Outcome(
        scenario=name,
        runs=runs,
        events=len(city.sent) + len(city.poison),
        facts=found.facts,
        windows=found.windows,
        lost=found.lost + city.poison_missing(),
        doubled=found.doubled,
        audit=city.audit_differences(),
        examples=tuple(found.examples),
    )
