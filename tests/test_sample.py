"""The figures of the sample log, by both rules of terms, from the file to the counters without any service."""

import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.files.file_import import Import
from connectors.files.file_reader import FileReader, format_of
from connectors.files.mapping_file import load_mapping
from connectors.files.rejects_file import RejectsFile
from connectors.files.row_mapper import RowMapper
from schemas.deployment_profile import decode_profile
from schemas.events import Event
from schemas.instant import to_micros
from schemas.working_time.built_in import built_in_rules
from schemas.working_time.calendar import Calendar
from streams.counting.case_history import history_of
from streams.counting.contributions import contributions
from streams.counting.facts import facts_of
from streams.counting.registers import Registers, fold, merged
from streams.on_time.rules import DATE, DATE_AS_SENT, INSTANT, INSTANT_AS_SENT, Rule
from streams.on_time.ruling import built_in_ruling
from streams.on_time.verdicts import judge

SAMPLES = Path(__file__).parent.parent / "samples"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.slow
@pytest.mark.parametrize(("profile_file", "on_time"), [("profile.toml", 468), ("profile-by-date.toml", 505)])
def test_figures_of_the_sample_log(profile_file: str, on_time: int, tmp_path: Path) -> None:
    profile = decode_profile((SAMPLES / profile_file).read_bytes(), profile_file)
    cases: dict[str, Registers] = {}
    for event in sample_events(tmp_path):
        cases[event.dossier] = fold(cases.get(event.dossier, {}), event)
    total: Counter[str] = Counter()
    ruling = built_in_ruling(profile.time_zone)
    for registers in cases.values():
        for counts in contributions(facts_of(registers, ruling), profile).values():
            total.update(counts)
    figures = {name: total[name] for name in ("received", "received_online", "resolved", "resolved_on_time")}
    assert figures == {"received": 717, "received_online": 627, "resolved": 661, "resolved_on_time": on_time}
    # Nothing moves a term in this log: with stops, the figures by both rules are as sent.
    assert (total["resolved_on_time_by_instant"], total["resolved_on_time_by_date"]) == (468, 505)
    assert (total["judged_by_766"], total["on_time_by_766"]) == (661, 505)
    assert total["form_early"] + total["form_on_time"] == 505


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "on_time"),
    [(INSTANT, 468), (INSTANT_AS_SENT, 468), (DATE, 505), (DATE_AS_SENT, 505)],
    ids=["instant", "instant as sent", "date", "date as sent"],
)
def test_the_rules_of_being_on_time_come_to_the_same_figures(rule: Rule, on_time: int, tmp_path: Path) -> None:
    dutch = Calendar(built_in_rules(), "Europe/Amsterdam")
    events_of: defaultdict[str, list[Event]] = defaultdict(list)
    for event in sample_events(tmp_path):
        events_of[event.dossier].append(event)
    histories = [history for events in events_of.values() if (history := history_of(merged(events), dutch))]
    verdicts = [judge(rule, history, to_micros(NOW), dutch) for history in histories if history.outcome == "resolved"]
    assert (len(histories), len(verdicts)) == (717, 661)
    assert Counter(verdict and verdict.standing for verdict in verdicts) == {"on time": on_time, "late": 661 - on_time}


def sample_events(folder: Path) -> list[Event]:
    mapping = load_mapping(SAMPLES / "wabo-receipt.toml")
    assert mapping.as_of is not None
    file = str(SAMPLES / "wabo-receipt.csv")
    events: list[Event] = []
    with (
        RejectsFile(folder / "rejects.csv", "log", NOW) as rejects,
        FileReader(file, sys.stdin.buffer, mapping, format_of(file, mapping)) as rows,
    ):
        for _ in Import(RowMapper(mapping, mapping.as_of, NOW), events.append, rejects, max_rejects=0).run(rows):
            pass
    assert not rejects.count
    return events
