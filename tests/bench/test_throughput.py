import pytest

from bench.peers.throughput import Pace, Used
from bench.process_usage import Usage


class Meter:
    """What a system has used, as a test sets it."""

    def __init__(self) -> None:
        self.at = Used(0.0, Usage(0.0, 0.0), Usage(0.0, 0.0))

    def __call__(self) -> Used:
        return self.at

    def set(self, seconds: float, cpu: float, peak_mb: float = 1.0, kafka: float = 0.0) -> None:
        self.at = Used(seconds, Usage(cpu, peak_mb), Usage(kafka, 0.0))


@pytest.fixture
def meter() -> Meter:
    return Meter()


def test_cpu_seconds_are_those_after_a_tenth_of_the_events_and_the_clock_runs_from_the_first(meter: Meter) -> None:
    pace = Pace(1000, meter)
    meter.set(5.0, cpu=3.0)
    assert not pace.observe(0, begun=False)  # it starts: nobody is interested in that
    meter.set(10.0, cpu=4.0)
    assert not pace.observe(1)
    meter.set(11.0, cpu=6.0, kafka=1.0)
    assert not pace.observe(100)
    meter.set(12.0, cpu=7.8, peak_mb=20.0, kafka=1.9)
    assert pace.observe(1000)
    figures = pace.figures()
    assert figures.seconds == 2.0
    assert figures.events_per_second == pytest.approx(999 / 2)
    assert figures.cpu_seconds_per_million == pytest.approx(1.8 / 900 * 1e6)
    assert figures.kafka_cpu_seconds_per_million == pytest.approx(0.9 / 900 * 1e6)
    assert figures.peak_mb == 20.0


def test_what_counts_in_one_step_is_measured_from_its_beginning(meter: Meter) -> None:
    pace = Pace(1000, meter)
    meter.set(1.0, cpu=1.0)
    pace.observe(0)
    meter.set(9.0, cpu=5.0)
    assert pace.observe(1000)
    assert pace.figures().cpu_seconds_per_million == pytest.approx(4.0 / 1000 * 1e6)
    assert pace.figures().events_per_second == 125


def test_what_is_written_at_the_stop_is_work_and_time(meter: Meter) -> None:
    pace = Pace(1000, meter)
    for counted, seconds, cpu in ((0, 0.0, 0.0), (100, 1.0, 1.0), (1000, 2.0, 2.0)):
        meter.set(seconds, cpu=cpu)
        pace.observe(counted)
    meter.set(9.0, cpu=3.0)
    pace.stopped()
    pace.written(4.0)
    assert pace.figures().seconds == 4.0
    assert pace.figures().cpu_seconds_per_million == pytest.approx(2.0 / 900 * 1e6)


def test_there_are_no_figures_before_the_end(meter: Meter) -> None:
    pace = Pace(1000, meter)
    pace.observe(999)
    with pytest.raises(ValueError, match="not ended"):
        pace.figures()
