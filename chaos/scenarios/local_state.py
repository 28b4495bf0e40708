"""Local state that somebody replaces while its worker is stopped."""

import shutil
from collections.abc import Callable
from pathlib import Path

from chaos.deployment import Deployment
from chaos.run_scale import Scale


def replaced(deployment: Deployment, scale: Scale) -> int:
    """By an older copy of itself, and by that of another worker, which is copied while it is written."""
    states = deployment.data / "state"
    helper = deployment.start_worker()
    kept = states / "kept"

    def count() -> None:
        deployment.await_member(helper, is_one=True)
        deployment.send(scale.slice)
        deployment.await_counted()

    def while_stopped(change: Callable[[], object]) -> None:
        assert deployment.remove_worker(helper) == 0
        change()
        deployment.start_worker(helper)
        count()

    count()
    while_stopped(lambda: _copy(states / helper, kept))
    while_stopped(lambda: _copy(kept, states / helper))
    deployment.send(scale.slice)
    while_stopped(lambda: _copy(states / "worker-1", states / helper))
    shutil.rmtree(kept)
    deployment.remove_worker(helper)
    return 2


def _copy(source: Path, to: Path) -> None:
    """Replace the files of the folder, which stays the same folder; files may vanish meanwhile."""
    to.mkdir(exist_ok=True)
    for file in to.iterdir():
        file.unlink()
    for file in source.iterdir():
        try:
            shutil.copy(file, to)
        except FileNotFoundError:
            continue
