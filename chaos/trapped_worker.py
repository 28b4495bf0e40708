"""A worker as `dossier work` runs it, with crash points, a clock that jumps, and a random batch size.

`python -m chaos.trapped_worker NAME FOLDER`: the folder is where the harness sets its trap and its clock.
"""

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

CLOCK = "clock"
"""The file with the offset of the workers' clocks, in seconds."""


def skewed(folder: Path, clock: Callable[[], float]) -> Callable[[], float]:
    """A clock with the offset that the harness currently sets."""
    file = folder / CLOCK

    def now() -> float:
        try:
            return clock() + float(file.read_text() or 0)
        except FileNotFoundError:
            return clock()

    return now


def main(name: str, folder: Path) -> None:
    """Run the worker until it is stopped, or until it dies."""
    # Before Faust is loaded: it keeps the function, not the module.
    time.time = skewed(folder, time.time)
    import os

    import faust
    from msgspec import structs

    from chaos.crash_points import Trap, TrappedStateFolder, TrappedStore
    from cli.logs import configure
    from cli.migrate import plan_of
    from cli.settings import Settings
    from streams.alerts.log import AlertLog
    from streams.alerts.scanner import AlertingThread, OverdueScanner
    from streams.counting.batch_counting import Counting
    from streams.counting.dead_letter_limit import DeadLetterLimit
    from streams.dead_letters.topic import DeadLetterTopic
    from streams.storage.clickhouse_store import ClickHouseStore
    from streams.storage.migration import identify
    from streams.storage.offset_agreement import require_agreement
    from streams.storage.state_folder import counts_origin
    from streams.worker.cadence import AT_ONCE, Cadence
    from streams.worker.pinned_ruling import PinnedRuling
    from streams.worker.pipeline import Pipeline
    from streams.worker.ruling_watch import RulingWatch
    from streams.worker.state_restoring import restored
    from streams.worker.telemetry import Telemetry
    from streams.worker.worker import BatchLimits, make_app, run

    settings = Settings.from_env(os.environ)
    plan = plan_of(settings)
    identity = identify(plan)
    require_agreement(settings.kafka, settings.clickhouse)
    watch = RulingWatch(settings.clickhouse, identity.profile, identity.epoch)
    identity = structs.replace(identity, ruling=watch.first())
    configure(settings.log)
    trap = Trap(folder)

    class Trapped(Pipeline):
        """A pipeline that may be killed while partitions are revoked."""

        def revoke(self, partitions: set[int]) -> None:
            super().revoke(partitions)
            trap.at("rebalance")

    stream: Any = faust.Stream
    ack = stream.ack

    async def trapped_ack(self: object, event: object) -> object:
        done = await ack(self, event)
        trap.at("after-ack")
        return done

    stream.ack = trapped_ack

    random = Random()
    cache = random.choice((1000, settings.cache_dossiers))
    store = TrappedStore(ClickHouseStore(settings.clickhouse, patient=True), trap)
    limit = DeadLetterLimit(settings.dead_lines, settings.dead_ratio)
    assert settings.state is not None
    state = TrappedStateFolder(settings.state, name, counts_origin(plan, identity), trap)
    restoring = ClickHouseStore(settings.clickhouse, patient=True)
    # Kept until the process ends: restoring ends with it.
    stack = ExitStack()
    local = stack.enter_context(restored(state, restoring, identity.topic, Telemetry()))
    counting = Counting(identity, store, dossiers=cache, windows=cache, dead_letter_limit=limit, local=local)
    skew = skewed(folder, lambda: 0.0)
    pipeline = Trapped(
        counting,
        store,
        DeadLetterTopic(settings.kafka),
        lambda: datetime.now(UTC) + timedelta(seconds=skew()),
        cadence=random.choice((AT_ONCE, Cadence(settings.windows_seconds, settings.flush_seconds))),
        enter=local.enter,
        watch=watch,
    )
    # Batches before and after a crash have different sizes.
    limits = BatchLimits(random.choice((1, 2, 5, 20, settings.batch_records)), settings.batch_seconds)
    pinned = PinnedRuling(settings.clickhouse, identity.profile, identity.epoch)
    alerting = AlertingThread(
        lambda: AlertLog(settings.kafka, settings.clickhouse),
        lambda: OverdueScanner(settings.kafka, settings.clickhouse, identity.profile, settings.alert_levels, pinned),
        seconds=0.5,
    )
    run(make_app(settings.kafka, identity.topic, pipeline, limits, name, alerting.set_leader), pipeline)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
