from pathlib import Path

from click.testing import CliRunner

from cli.main import dossier


def test_check_names_what_is_out_of_date_and_build_mends_it(tmp_path: Path) -> None:
    run = CliRunner().invoke
    wrong = run(dossier, ["grafana", "check", "--folder", str(tmp_path)])
    assert wrong.exit_code == 1
    assert "dashboards/dossiers-wall-day.json is out of date: run `dossier grafana build`" in wrong.output
    assert run(dossier, ["grafana", "build", "--folder", str(tmp_path)]).exit_code == 0
    right = run(dossier, ["grafana", "check", "--folder", str(tmp_path)])
    assert (right.exit_code, right.output) == (0, "")
