"""Traffic of the simulated administration agrees with its reference data, before, on and after 1 July 2025."""

from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from hashlib import blake2b
from itertools import islice, pairwise, product
from pathlib import Path

import pytest

from connectors.reference.reading import read_agencies, read_officials, read_procedures
from connectors.reference.table import MAX_ROWS
from connectors.simulator.administration import MERGED_AT, MERGER, Administration
from connectors.simulator.history import history
from connectors.simulator.live_traffic import live
from connectors.simulator.office_calendar import CITY, OfficeCalendar
from connectors.simulator.procedure_catalogue import VersionedCatalogue
from connectors.simulator.reference_files import write_reference_files
from connectors.simulator.simulation_plan import Agencies, Plan
from schemas.deployment_profile import Profile
from schemas.envelope import decode_event, encode_event
from schemas.events import Assigned, Event, Progressed, Received, TermSet, Transferred
from schemas.reference.agency import Agency
from schemas.reference.agency_checks import agency_flaws
from schemas.reference.agency_tree import AgencyTree, resolved
from schemas.reference.procedure import CHANNELS, ProcedureVersion, bears_fee
from schemas.reference.validity import is_valid
from streams.counting.contributions import on_time
from streams.counting.facts import facts_of
from streams.counting.registers import Registers, fold

PLAN = Plan(tree=True, agencies=60)
BEGIN = datetime(2025, 5, 1, tzinfo=CITY)
END = BEGIN + timedelta(days=120)
NEVER = END + timedelta(days=700)
ADMINISTRATION = Administration(PLAN.agencies)
VERSIONS = VersionedCatalogue(ADMINISTRATION).versions


@cache
def whole() -> dict[str, list[Event]]:
    """The events of each case, each once and in the order in which they happened."""
    found: defaultdict[str, dict[Event, None]] = defaultdict(dict)
    for _, event in history(PLAN, BEGIN, END, 3000, until=NEVER):
        found[event.dossier][event] = None
    return {dossier: sorted(events, key=lambda event: (event.recorded, event.seq)) for dossier, events in found.items()}


def every(kind: type[Event]) -> list[Event]:
    return [event for events in whole().values() for event in events if isinstance(event, kind)]


def day_of(event: Event) -> date:
    return event.occurred_at.astimezone(CITY).date()


def versions_of(code: str) -> list[Agency]:
    return [agency for agency in ADMINISTRATION.agencies if agency.code == code]


def version_of(received: Received) -> ProcedureVersion:
    (found,) = [
        version
        for version in VERSIONS
        if version.code == received.procedure
        and received.channel in version.channels
        and is_valid(version, day_of(received))
    ]
    return found


@pytest.mark.slow
def test_a_plan_without_a_tree_gives_the_events_that_it_always_gave() -> None:
    """Figures that were measured with them stay comparable: what changes them must do so on purpose."""
    begin = datetime(2026, 1, 5, tzinfo=CITY)
    past = history(Plan(), begin, begin + timedelta(days=60), 500, until=begin + timedelta(days=760))
    now = islice(live(Plan(), datetime.fromisoformat("2026-11-24T09:00:00Z"), 20), 3000)
    digests = []
    for traffic in (past, now):
        digest = blake2b(digest_size=8)
        for at, event in traffic:
            digest.update(at.isoformat().encode() + encode_event(event))
        digests.append(digest.hexdigest())
    assert digests == ["17fc49a36f1dda1b", "7aae24fdeb332e72"]


def test_every_agency_has_a_code_of_its_own() -> None:
    for count in (1, 600, 606, 5000):
        assert len(set(Agencies(count).codes)) == count


@pytest.mark.slow
def test_every_agency_that_events_name_was_valid_on_their_day() -> None:
    named = [(event.agency, event) for kind in (Received, Assigned, Transferred) for event in every(kind)]  # type: ignore[attr-defined]
    named += [(event.receiver, event) for event in every(Received) if event.receiver]  # type: ignore[attr-defined]
    for code, event in named:
        assert any(is_valid(version, day_of(event)) for version in versions_of(code)), (code, event)
    levels = Counter((ADMINISTRATION.level(event.agency), day_of(event) < MERGER) for event in every(Received))  # type: ignore[attr-defined]
    assert levels.keys() == {
        ("department", True),
        ("department", False),
        ("district", True),
        ("commune", True),
        ("commune", False),
    }


@pytest.mark.slow
def test_dossiers_are_received_elsewhere_at_branches_of_the_centre_since_the_merger() -> None:
    elsewhere = [event for event in every(Received) if event.receiver]  # type: ignore[attr-defined]
    assert 0.3 < len(elsewhere) / len(every(Received)) < 0.45
    levels = {(ADMINISTRATION.level(event.receiver), day_of(event) < MERGER) for event in elsewhere}  # type: ignore[attr-defined]
    assert levels == {("department", True), ("district", True), ("commune", True), ("branch", False)}


@pytest.mark.slow
def test_open_dossiers_of_an_agency_that_ended_go_to_its_successor_once() -> None:
    successors = {each.code: each.successors for each in ADMINISTRATION.agencies if each.successors}
    moved = [event for event in every(Transferred) if event.previous_agency in successors and day_of(event) >= MERGER]  # type: ignore[attr-defined]
    assert all(event.agency in successors[event.previous_agency] for event in moved)  # type: ignore[attr-defined]
    assert max(Counter(event.dossier for event in moved).values()) == 1
    # Whatever ended at an agency that is no more had ended before it did.
    stayed = []
    for events in whole().values():
        registers: Registers = {}
        for event in events:
            registers = fold(registers, event)
        facts = facts_of(registers)
        if facts.agency in successors and not facts.voided:
            assert facts.outcome_at is not None
            assert facts.outcome_at < (MERGED_AT + 86_400) * 1_000_000
            stayed.append(facts)
    assert len(moved) > 100 < len(stayed)
    assert {successors[event.previous_agency].index(event.agency) for event in moved} == {0, 1, 2, 3}  # type: ignore[attr-defined]


def test_a_dossier_has_the_version_of_its_procedure_that_is_valid_at_its_reception() -> None:
    terms = {event.dossier: event for event in every(TermSet)}
    calendar = OfficeCalendar()
    units: Counter[str] = Counter()
    for received in every(Received):
        assert isinstance(received, Received)
        version = version_of(received)
        assert ADMINISTRATION.level(received.agency) in version.levels
        assert not (received.channel == "online" and version.service_level == "information")
        assert not received.fee_bearing or bears_fee(version.fees, day_of(received))
        assert version.term is not None
        at = received.occurred_at.timestamp()
        due = {
            "working days": lambda at, term: calendar.after(at, term),
            "working hours": lambda at, term: calendar.after(at, term / 7.5),
            "days": lambda at, term: calendar.after(at + term * 86_400, 0),
        }[version.unit](at, version.term)
        units[version.unit] += 1
        assert abs(terms[received.dossier].term.timestamp() - due) < 0.001  # type: ignore[attr-defined]
    assert units.keys() == {"working days", "working hours", "days"}


def test_steps_are_done_by_officials_of_the_agency_that_is_responsible_then() -> None:
    units = {official.code: official.unit for official in ADMINISTRATION.officials()}
    steps = 0
    for events in whole().values():
        responsible = ""
        for event in events:
            if isinstance(event, Received | Assigned | Transferred):
                responsible = event.agency
            if isinstance(event, Progressed | Assigned):
                assert event.official is not None
                assert units[event.official] == responsible
                steps += 1
    assert steps > 8000


@pytest.mark.slow
def test_the_rest_is_as_without_a_tree() -> None:
    cases: dict[str, Registers] = {}
    for dossier, events in whole().items():
        for event in events:
            assert decode_event(encode_event(event)) == event
            cases[dossier] = fold(cases.get(dossier, {}), event)
    facts = [facts_of(registers) for registers in cases.values()]
    resolved = [
        found for found in facts if found.case_kind == "dossier" and found.outcome == "resolved" and not found.voided
    ]
    assert sum(on_time(found, Profile()) is False for found in resolved) == 270
    traffic = list(islice(live(PLAN, datetime(2026, 11, 24, 9, tzinfo=CITY), 20), 3000))
    assert traffic == list(islice(live(PLAN, datetime(2026, 11, 24, 9, tzinfo=CITY), 20), 3000))
    assert all(one[0] <= other[0] for one, other in pairwise(traffic))


@pytest.mark.parametrize("agencies", [1, 2, 7, 60])
def test_reference_files_are_read_as_they_were_meant(agencies: int, tmp_path: Path) -> None:
    paths = write_reference_files(tmp_path / "reference", agencies)
    administration = Administration(agencies)
    found = read_agencies(paths[:1])
    assert found == resolved(administration.agencies)
    assert read_procedures(paths[1:2]) == list(VersionedCatalogue(administration).versions)
    officials = read_officials(paths[2:])
    assert [(each.code, each.unit, each.name) for each in officials] == [
        (each.code, each.unit, each.name) for each in administration.officials()
    ]
    assert write_reference_files(tmp_path / "reference", agencies) == paths


@pytest.mark.slow
def test_the_largest_administration_fits_into_files() -> None:
    administration = Administration(5000)
    assert agency_flaws(administration.agencies) == []
    officials = [official.code for official in administration.officials()]
    assert len(set(officials)) == len(officials) < MAX_ROWS


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "officials.csv").write_text("mine")
    with pytest.raises(FileExistsError, match=r"officials\.csv exists with other content"):
        write_reference_files(tmp_path, 60)
    assert [path.name for path in tmp_path.iterdir()] == ["officials.csv"]


def test_whoever_decides_has_something_to_offer_on_every_channel() -> None:
    catalogue = VersionedCatalogue(ADMINISTRATION)
    for day, agency, channel in product(
        (date(2024, 1, 2), MERGER, date(2026, 1, 1)), {each.code: None for each in ADMINISTRATION.agencies}, CHANNELS
    ):
        at = datetime(day.year, day.month, day.day, tzinfo=CITY).timestamp()
        if any(is_valid(version, day) for version in versions_of(agency)) and ADMINISTRATION.level(agency) in (
            "department",
            "district",
            "commune",
        ):
            assert catalogue.pick(0.0, agency, at, channel).code.startswith("9.")
            assert catalogue.pick(0.999999, agency, at, channel).code.startswith("9.")


def test_what_districts_had_is_found_again_under_their_communes_or_the_city() -> None:
    tree = AgencyTree(ADMINISTRATION.agencies)
    before, after = MERGER - timedelta(days=1), MERGER
    assert tree.place("H26.D01.01", before) == ("H26", "H26.D01", "H26.D01.01")
    assert tree.place("H26.D01.01", after) == ("H26", "H26.101")
    assert tree.place("H26.D01.09", after) == ("H26",)  # divided between two communes
    assert (tree.place("H26.102", before), tree.place("H26.102", after)) == (
        ("H26", "H26.D01", "H26.102"),
        ("H26", "H26.102"),
    )
    assert tree.place("000.00.01.H26", after) == ("H26", "H26.01")
