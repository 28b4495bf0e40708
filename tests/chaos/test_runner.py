"""Which scenarios share a city, without one: what is wrong in one of them is not blamed on the next."""

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


class Cities:
    """Stands in for what a scenario attacks: in which folder each ran, and what comes of those named here."""

    def __init__(self, outcomes: dict[str, Outcome]) -> None:
        self.ran: list[tuple[str, str]] = []
        self._outcomes = outcomes

    @contextmanager
    def city(self, folder: Path, _seed: int, *, small_disks: bool) -> Iterator[Path]:
        folder.mkdir(parents=True)
        if small_disks:
            raise NotPermitted("no mounts here")
        yield folder

    def attack(self, folder: Path, scenario: object, _scale: Scale) -> Outcome:
        name = next(name for name, each in SCENARIOS.items() if each is scenario)
        self.ran.append((folder.name, name))
        return self._outcomes.get(name, Outcome(runs=1, events=1))


def outcomes_of(
    cities: Cities, names: tuple[str, ...], data: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Outcome], list[str]]:
    monkeypatch.setattr(running, "City", cities.city)
    monkeypatch.setattr(running, "_attack", cities.attack)
    told: list[str] = []
    return list(run(names, SHORT, 1, data, told.append)), told


def test_what_is_well_goes_on_in_the_same_city_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cities = Cities({})
    outcomes, told = outcomes_of(cities, (FIRST, SECOND), tmp_path, monkeypatch)
    assert [outcome.scenario for outcome in outcomes] == told == [FIRST, SECOND]
    assert len({folder for folder, _ in cities.ran}) == 1
    assert not list(tmp_path.iterdir())


def test_where_something_is_wrong_the_rest_go_on_in_another_and_it_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cities = Cities({SECOND: Outcome(windows=1)})
    outcomes, told = outcomes_of(cities, (FIRST, SECOND, THIRD), tmp_path, monkeypatch)
    assert [(each.scenario, each.passed) for each in outcomes] == [(FIRST, True), (SECOND, False), (THIRD, True)]
    assert told == [FIRST, SECOND, THIRD]
    (first, _), (second, _), (third, _) = cities.ran
    assert first == second != third
    assert [folder.name for folder in tmp_path.iterdir()] == [first]


def test_a_city_that_cannot_be_is_skipped_or_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [skipped], _ = outcomes_of(Cities({}), ("Kafka's disk full",), tmp_path, monkeypatch)
    assert (skipped.scenario, skipped.skipped) == ("Kafka's disk full", "no mounts here")

    def ruined(*_: object, **__: object) -> object:
        raise DossierError("no port is free")

    monkeypatch.setattr(running, "City", ruined)
    [failed] = run((FIRST,), SHORT, 1, tmp_path, lambda _: None)
    assert (failed.scenario, failed.failure, failed.passed) == (FIRST, "no port is free", False)


def test_the_pure_ones_need_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pure = next(iter(PURE))
    monkeypatch.setitem(PURE, pure, lambda _scale, seed: Outcome(runs=seed, events=1))
    [outcome], told = outcomes_of(Cities({}), (pure,), tmp_path, monkeypatch)
    assert (outcome.scenario, outcome.runs, told) == (pure, 1, [pure])
