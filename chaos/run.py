"""Runs a scenario in a city of its own, and says what came of it."""

import shutil
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeAlias

from msgspec import structs

from chaos.alerts import alert_trouble
from chaos.city import City
from chaos.outcome import Outcome
from chaos.scale import Scale
from chaos.scenarios import crashes, disk, group, lifecycle, network, pure, sources
from chaos.volume import NotPermitted
from schemas.errors import DossierError

Scenario: TypeAlias = Callable[[City, Scale], int]

SCENARIOS: dict[str, Scenario] = {
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
    "misplaced events replayed": sources.misplaced,
    "flood of dead letters": sources.flood,
    "ClickHouse's disk full": disk.clickhouse_disk_full,
    "Kafka's disk full": disk.kafka_disk_full,
    "older backup restored": lifecycle.backup_restored,
    "topic recreated": lifecycle.topic_recreated,
    "partitions added": lifecycle.partitions_added,
    "rules changed": lifecycle.rules_changed,
    "rebuild killed": lifecycle.rebuild_killed,
}
"""Every scenario of a real deployment, by the name that the table shows."""

PURE: dict[str, Callable[[Scale, int], Outcome]] = {
    "simulated schedules": pure.simulation,
    "malformed events": pure.malformed_events,
    "malformed protocol": pure.malformed_protocol,
}
"""Those that need none."""

_SMALL_DISKS = (disk.clickhouse_disk_full, disk.kafka_disk_full)


def run(name: str, scale: Scale, seed: int, data: Path) -> Outcome:
    """Run one scenario in an empty directory; what it leaves there is kept only where something was wrong."""
    shutil.rmtree(data, ignore_errors=True)
    begun = time.monotonic()
    attack = PURE[name] if name in PURE else partial(_in_a_city, SCENARIOS[name], data)
    outcome = structs.replace(attack(scale, seed), scenario=name, seconds=round(time.monotonic() - begun, 1))
    if outcome.passed:
        shutil.rmtree(data, ignore_errors=True)
    return outcome


def _in_a_city(scenario: Scenario, data: Path, scale: Scale, seed: int) -> Outcome:
    try:
        with City(data, seed, small_disks=scenario in _SMALL_DISKS) as city:
            runs = scenario(city, scale)
            found = city.verdict()
            return Outcome(
                runs=runs,
                events=len(city.sent) + len(city.poison),
                facts=found.facts,
                windows=found.windows,
                lost=found.lost + city.poison_missing(),
                doubled=found.doubled,
                audit=city.audit_differences(),
                failure=alert_trouble(city.kafka, city.clickhouse, city.profile),
                examples=found.examples,
            )
    except NotPermitted as error:
        return Outcome(skipped=str(error))
    except (AssertionError, DossierError) as error:
        return Outcome(failure=str(error) or "an assertion of the scenario", events=len(city.sent))
