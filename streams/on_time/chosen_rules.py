"""The rules of being on time that a deployment chooses, each in its versions."""

from collections.abc import Iterator
from datetime import timedelta

from msgspec import structs

from schemas.deployment_profile import Profile
from schemas.reference.validity import FIRST_DAY, LAST_DAY
from streams.on_time.rules import DATE, DECISION_766, INSTANT, REPORT_FORM, Rule


def rules_of(profile: Profile) -> tuple[Rule, ...]:
    """Every version of every rule; for each rule and day of reception exactly one is valid."""
    return (INSTANT, DATE, *_of_766(profile), REPORT_FORM)


def _of_766(profile: Profile) -> Iterator[Rule]:
    """Decision 766 as it is, and as the deployment reads it from a day on."""
    chosen = [(each.valid_from, each.number) for each in profile.late_from_supplement]
    if not chosen or chosen[0][0] > FIRST_DAY:
        chosen.insert(0, (FIRST_DAY, DECISION_766.late_from_supplement))
    ends = [day - timedelta(days=1) for day, _ in chosen[1:]]
    for place, ((first, number), last) in enumerate(zip(chosen, [*ends, LAST_DAY], strict=True)):
        source = DECISION_766.legal_source
        if number != DECISION_766.late_from_supplement:
            source += "; the request that makes a dossier overdue as the profile of the deployment says"
        yield structs.replace(
            DECISION_766,
            version=DECISION_766.version + place,
            late_from_supplement=number,
            legal_source=source,
            valid_from=first,
            valid_to=last,
        )
