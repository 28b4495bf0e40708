"""The promises of a catalogue by day and channel, and the days on which another catalogue promises otherwise."""

from datetime import date
from typing import Any

from schemas.reference.procedure import ProcedureVersion
from schemas.reference.validity import FIRST_DAY, LAST_DAY
from schemas.working_time.duration import Duration
from streams.on_time.promise import Promise
from streams.on_time.promised_terms import ChangedPromise, PromisedTerms, changed_promises
from tests.schemas.working_time.calendars import ZONE
from tests.streams.cases import micros


def version(term: int | None = 3, unit: Any = "working days", **fields: Any) -> ProcedureVersion:
    return ProcedureVersion(
        **{"code": "P", "name_vi": "x", "service_level": "full", "term": term, "unit": unit, **fields}
    )


def test_a_dossier_has_the_promise_of_its_local_day_and_channel() -> None:
    terms = PromisedTerms([version(valid_to=date(2026, 6, 30)), version(5, valid_from=date(2026, 7, 1))], ZONE)
    assert terms.of("P", "online", micros("2026-06-30 23:59")) == Promise(Duration(3, "working days"))
    assert terms.of("P", "online", micros("2026-07-01 00:00")) == Promise(Duration(5, "working days"))
    assert terms.of("Q", "online", micros("2026-07-01 00:00")) is None
    assert PromisedTerms([version(None, "")], ZONE).of("P", "direct", micros("2026-07-01 00:00")) is None


def test_another_term_changes_the_promise_on_its_days_and_another_name_none() -> None:
    before = [version()]
    after = [version(valid_to=date(2026, 6, 30)), version(5, valid_from=date(2026, 7, 1))]
    assert list(changed_promises(before, after)) == [
        ChangedPromise("P", channel, date(2026, 7, 1), LAST_DAY) for channel in ("direct", "online", "postal")
    ]
    assert list(changed_promises(before, [version(name_vi="y", field="z")])) == []


def test_a_procedure_that_comes_or_goes_changes_it_where_it_has_a_term() -> None:
    assert list(changed_promises([], [version(channel="online"), version(None, "", code="Q")])) == [
        ChangedPromise("P", "online", FIRST_DAY, LAST_DAY)
    ]
    assert list(changed_promises([version(channel="online")], [])) == [
        ChangedPromise("P", "online", FIRST_DAY, LAST_DAY)
    ]
