"""Runs scenarios, each in a city of its own or several after each other in one, and says what came of each."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

from msgspec import structs

from chaos.alert_verdict import alert_trouble
from chaos.deployment import City
from chaos.outcome import Outcome
from chaos.run_scale import Scale
from chaos.scenarios import (
    access,
    audits,
    consumer_group,
    crashes,
    disk,
    lifecycle,
    network,
    producers,
    sources,
    without_deployment,
)
from chaos.small_disk import NotPermitted
from schemas.errors import DossierError

Scenario: TypeAlias = Callable[[City, Scale], int]

LASTING: dict[str, Scenario] = {
    "crash points": crashes.crash_points,
    "workers killed": crashes.workers_killed,
    "ClickHouse killed in an insert": crashes.clickhouse_killed,
    "broker killed": crashes.brokers_killed,
    "connection cut after an insert": network.inserts_cut,
    "ClickHouse slow": network.clickhouse_slow,
    "ClickHouse hung": network.clickhouse_hung,
    "ClickHouse away": network.clickhouse_away,
    "zombies": consumer_group.zombies,
    "rebalances under load": consumer_group.rebalances,
    "duplicates": sources.duplicates,
    "disorder": sources.disorder,
    "corrections": sources.corrections,
    "crowded dossier": sources.crowded_dossier,
    "misplaced events replayed": sources.misplaced,
    "foreign producer": sources.foreign_producer,
    "every codec": producers.codecs,
    "transactions": producers.transactions,
    "clock jumps": consumer_group.clock_jumps,
    "readers and strangers": access.readers_and_strangers,
    "data directory copied": access.directory_copied,
    "audits under load": audits.audits_under_load,
}
"""Those that leave their city fit for the next one, in this order."""

SCENARIOS: dict[str, Scenario] = {
    **LASTING,
    "flood of dead letters": sources.flood,
    "ClickHouse's disk full": disk.clickhouse_disk_full,
    "Kafka's disk full": disk.kafka_disk_full,
    "records deleted": producers.records_deleted,
    "older backup restored": lifecycle.backup_restored,
    "topic recreated": lifecycle.topic_recreated,
    "partitions added": lifecycle.partitions_added,
    "rules changed": lifecycle.rules_changed,
    "rebuild killed": lifecycle.rebuild_killed,
}
"""Every scenario of a real deployment, by the name that the table shows."""

PURE: dict[str, Callable[[Scale, int], Outcome]] = {
    "simulated schedules": without_deployment.simulation,
    "malformed events": without_deployment.malformed_events,
    "malformed protocol": without_deployment.malformed_protocol,
}
"""Those that need none."""

_SMALL_DISKS = (disk.clickhouse_disk_full, disk.kafka_disk_full)


def run(names: Sequence[str], scale: Scale, seed: int, data: Path, tell: Callable[[str], None]) -> Iterator[Outcome]:
    """Run scenarios one after another in one city; where something is wrong, the rest go on in another.

    Each city has its folder in `data`, named by its first scenario; it is kept only where something was wrong. `tell`
    hears of each scenario that begins.
    """
    left = list(names)
    while left:
        begun = time.monotonic()
        tell(left[0])
        folder = data / left[0].replace(" ", "-").replace("'", "")
        shutil.rmtree(folder, ignore_errors=True)
        passed = True
        pure = PURE.get(left[0])
        for outcome in [pure(scale, seed)] if pure else _in_a_city(tuple(left), scale, seed, folder):
            passed = outcome.passed
            yield structs.replace(outcome, scenario=left.pop(0), seconds=round(time.monotonic() - begun, 1))
            if passed and left:
                begun = time.monotonic()
                tell(left[0])
        if passed:
            shutil.rmtree(folder, ignore_errors=True)


def _in_a_city(names: Sequence[str], scale: Scale, seed: int, folder: Path) -> Iterator[Outcome]:
    """What comes of each, up to the first in which something is wrong."""
    with ExitStack() as stack:
        try:
            city = stack.enter_context(City(folder, seed, small_disks=SCENARIOS[names[0]] in _SMALL_DISKS))
        except NotPermitted as error:
            yield Outcome(skipped=str(error))
            return
        except (AssertionError, DossierError) as error:
            yield Outcome(failure=str(error))
            return
        for name in names:
            outcome = _attack(city, SCENARIOS[name], scale)
            yield outcome
            if not outcome.passed:
                return


def _attack(city: City, scenario: Scenario, scale: Scale) -> Outcome:
    sent = _sent(city)
    try:
        runs = scenario(city, scale)
        found = city.verdict()
        return Outcome(
            runs=runs,
            events=_sent(city) - sent,
            facts=found.facts,
            windows=found.windows,
            lost=found.lost + city.poison_missing(),
            doubled=found.doubled,
            audit=city.audit_differences(),
            failure=alert_trouble(city.kafka, city.clickhouse, city.profile),
            examples=found.examples,
        )
    except (AssertionError, DossierError) as error:
        return Outcome(failure=str(error) or "an assertion of the scenario", events=_sent(city) - sent)


def _sent(city: City) -> int:
    return len(city.sent) + len(city.poison)
