"""Runs scenarios, each against a deployment of its own or several after each other against one."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TypeAlias

from msgspec import structs

from chaos.alert_verdict import alert_trouble
from chaos.audit_words import differences_in_words
from chaos.deployment import Deployment
from chaos.outcome import Outcome
from chaos.run_scale import Scale
from chaos.scenarios import (
    access,
    audits,
    consumer_group,
    crashes,
    disk,
    lifecycle,
    local_state,
    network,
    producers,
    sources,
    without_deployment,
)
from chaos.small_disk import NotPermitted
from schemas.errors import DossierError

Scenario: TypeAlias = Callable[[Deployment, Scale], int]

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
    "local state replaced": local_state.replaced,
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
"""Scenarios that leave the deployment ready for the next one, in this order."""

SMALL_DISKS: dict[str, Scenario] = {
    "ClickHouse's disk full": disk.clickhouse_disk_full,
    "Kafka's disk full": disk.kafka_disk_full,
    "local state's disk full": disk.state_disk_full,
}
"""Scenarios that need servers with small disks."""

REPAIRED: dict[str, Scenario] = {
    "rebuild killed": lifecycle.rebuild_killed,
    "rules changed": lifecycle.rules_changed,
    "records deleted": producers.records_deleted,
    "older backup restored": lifecycle.backup_restored,
    "topic recreated": lifecycle.topic_recreated,
    "partitions added": lifecycle.partitions_added,
    "flood of dead letters": sources.flood,
}
"""Scenarios that stop the workers until a person repairs the deployment, in this order: those that need the whole topic
come before those that delete some of it."""

SCENARIOS: dict[str, Scenario] = {**LASTING, **SMALL_DISKS, **REPAIRED}
"""Every scenario against a real deployment, by its name in the table."""

PURE: dict[str, Callable[[Scale, int], Outcome]] = {
    "simulated schedules": without_deployment.simulation,
    "malformed events": without_deployment.malformed_events,
    "malformed protocol": without_deployment.malformed_protocol,
}
"""Scenarios that need no deployment."""

GROUPS = (LASTING, SMALL_DISKS, REPAIRED)
"""Scenarios that can share a deployment, in the order in which they can."""


def run(
    names: Sequence[str], scale: Scale, seed: int, data: Path, on_start: Callable[[str], None]
) -> Iterator[Outcome]:
    """Run scenarios one after another against one deployment; after a failure, the rest run against another.

    Each deployment has a folder in `data`, named by its first scenario; it is kept only after a failure. `on_start` is
    called with the name of each scenario that begins.
    """
    left = list(names)
    while left:
        begun = time.monotonic()
        on_start(left[0])
        folder = data / left[0].replace(" ", "-").replace("'", "")
        shutil.rmtree(folder, ignore_errors=True)
        passed = True
        pure = PURE.get(left[0])
        for outcome in [pure(scale, seed)] if pure else _in_a_deployment(tuple(left), scale, seed, folder):
            passed = outcome.passed
            yield structs.replace(outcome, scenario=left.pop(0), seconds=round(time.monotonic() - begun, 1))
            if passed and left:
                begun = time.monotonic()
                on_start(left[0])
        if passed:
            shutil.rmtree(folder, ignore_errors=True)


def _in_a_deployment(names: Sequence[str], scale: Scale, seed: int, folder: Path) -> Iterator[Outcome]:
    """The outcome of each, up to the first that fails."""
    with ExitStack() as stack:
        try:
            deployment = stack.enter_context(Deployment(folder, seed, small_disks=names[0] in SMALL_DISKS))
        except NotPermitted as error:
            yield Outcome(skipped=str(error))
            return
        except (AssertionError, DossierError) as error:
            yield Outcome(failure=str(error))
            return
        for name in names:
            outcome = _attack(deployment, SCENARIOS[name], scale)
            yield outcome
            if not outcome.passed:
                return


def _attack(deployment: Deployment, scenario: Scenario, scale: Scale) -> Outcome:
    sent = _sent(deployment)
    try:
        runs = scenario(deployment, scale)
        found, audited = deployment.verdict(), deployment.audited()
        return Outcome(
            runs=runs,
            events=_sent(deployment) - sent,
            facts=found.facts,
            windows=found.windows,
            lost=found.lost + deployment.missing_dead_letters(),
            doubled=found.doubled,
            audit=audited.differences,
            failure=alert_trouble(deployment.kafka, deployment.clickhouse, deployment.profile),
            examples=(*found.examples, *differences_in_words(audited)),
        )
    except (AssertionError, DossierError) as error:
        return Outcome(failure=str(error) or "an assertion of the scenario", events=_sent(deployment) - sent)


def _sent(deployment: Deployment) -> int:
    return len(deployment.sent) + len(deployment.invalid_lines)
