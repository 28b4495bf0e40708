from pathlib import Path

from click.testing import CliRunner

from cli.down import command as down


def test_where_nothing_runs_down_is_content(tmp_path: Path) -> None:
    said = CliRunner().invoke(down, ["--data", str(tmp_path)])
    assert (said.exit_code, said.output) == (0, f"nothing runs in {tmp_path}\n")
    said = CliRunner().invoke(down, ["--data", str(tmp_path), "--quiet"])
    assert (said.exit_code, said.output) == (0, "")
