from pathlib import Path

from grafana.build import artefacts, build, differing


def test_the_committed_files_are_what_the_code_makes() -> None:
    assert differing() == []


def test_building_writes_what_differs_and_nothing_twice(tmp_path: Path) -> None:
    assert build(tmp_path) == sorted(artefacts())
    assert build(tmp_path) == []
    (tmp_path / "dashboards/dossiers-wall-day.json").write_text("{}")
    assert differing(tmp_path) == ["dashboards/dossiers-wall-day.json"]
    assert build(tmp_path) == ["dashboards/dossiers-wall-day.json"]


def test_a_dashboard_that_no_code_makes_is_told_and_removed(tmp_path: Path) -> None:
    build(tmp_path)
    (tmp_path / "dashboards/old.json").write_text("{}")
    assert differing(tmp_path) == ["dashboards/old.json"]
    build(tmp_path)
    assert not (tmp_path / "dashboards/old.json").exists()
