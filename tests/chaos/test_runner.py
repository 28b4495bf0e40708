"""Which scenarios share a deployment, without one: what is wrong in one of them is not blamed on the next."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chaos import runner as running
from chaos.outcome import Outcome
from chaos.run_scale import SHORT, Scale
from chaos.runner import LASTING, PURE, SCENARIOS, run
from chaos.small_disk import NotPermitted
from schemas.errors import DossierError

FIRST, SECOND, THIRD, *_ = LASTING


class Deployments:
    """Stands in for what a scenario attacks: in which folder each ran, and what comes of those named here."""

    def __init__(self, outcomes: dict[str, Outcome]) -> None:
        self.ran: list[tuple[str, str]] = []
        self._outcomes = outcomes

    @contextmanager
    def deployment(self, folder: Path, _seed: int, *, small_disks: bool) -> Iterator[Path]:
        folder.mkdir(parents=True)
        if small_disks:
            raise NotPermitted("no mounts here")
        yield folder

    def attack(self, folder: Path, scenario: object, _scale: Scale) -> Outcome:
        name = next(name for name, each in SCENARIOS.items() if each is scenario)
        self.ran.append((folder.name, name))
        return self._outcomes.get(name, Outcome(runs=1, events=1))


def outcomes_of(
    deployments: Deployments, names: tuple[str, ...], data: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Outcome], list[str]]:
    monkeypatch.setattr(running, "Deployment", deployments.deployment)
    monkeypatch.setattr(running, "_attack", deployments.attack)
    told: list[str] = []
    return list(run(names, SHORT, 1, data, told.append)), told


def test_scenarios_that_pass_share_a_deployment_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployments = Deployments({})
    outcomes, told = outcomes_of(deployments, (FIRST, SECOND), tmp_path, monkeypatch)
    assert [outcome.scenario for outcome in outcomes] == told == [FIRST, SECOND]
    assert len({folder for folder, _ in deployments.ran}) == 1
    assert not list(tmp_path.iterdir())


def test_a_deployment_that_failed_is_kept_and_the_rest_run_in_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployments = Deployments({SECOND: Outcome(windows=1)})
    outcomes, told = outcomes_of(deployments, (FIRST, SECOND, THIRD), tmp_path, monkeypatch)
    assert [(each.scenario, each.passed) for each in outcomes] == [(FIRST, True), (SECOND, False), (THIRD, True)]
    assert told == [FIRST, SECOND, THIRD]
    (first, _), (second, _), (third, _) = deployments.ran
    assert first == second != third
    assert [folder.name for folder in tmp_path.iterdir()] == [first]


def test_a_deployment_that_cannot_start_is_skipped_or_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [skipped], _ = outcomes_of(Deployments({}), ("Kafka's disk full",), tmp_path, monkeypatch)
    assert (skipped.scenario, skipped.skipped) == ("Kafka's disk full", "no mounts here")

    def ruined(*_: object, **__: object) -> object:
        raise DossierError("no port is free")

    monkeypatch.setattr(running, "Deployment", ruined)
    [failed] = run((FIRST,), SHORT, 1, tmp_path, lambda _: None)
    assert (failed.scenario, failed.failure, failed.passed) == (FIRST, "no port is free", False)


def test_the_pure_ones_need_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pure = next(iter(PURE))
    monkeypatch.setitem(PURE, pure, lambda _scale, seed: Outcome(runs=seed, events=1))
    [outcome], told = outcomes_of(Deployments({}), (pure,), tmp_path, monkeypatch)
    assert (outcome.scenario, outcome.runs, told) == (pure, 1, [pure])
