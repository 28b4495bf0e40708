import pytest

from cli.reporting import PLAIN_SECONDS, Report


def test_where_nobody_looks_a_line_is_written_every_few_seconds(capsys: pytest.CaptureFixture[str]) -> None:
    now = 0.0
    count = 0
    with Report(lambda: f"{count} rows [of 100]", lambda: now) as report:
        for _ in range(100):
            count += 1
            now += 0.21
            report.tick()
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [f"{n} rows [of 100]" for n in (24, 48, 72, 96)]
    assert PLAIN_SECONDS == 5.0
