"""What a deployment's rules are in SQL: the parts of views and queries that are filled in for their names in braces."""

from functools import cache
from importlib.resources import files

from schemas.deployment_profile import Profile
from schemas.rule_names import JUDGED, ON_TIME, TITLES, number_of


def sql_parts(profile: Profile) -> dict[str, str]:
    """By name, each part of SQL by these rules.

    `verdicts` are items of a WITH that say how rows of `facts` stand, `leading` is the number of the leading rule, and
    `on_time` and `judged` are sums of counters: what ended in time by this rule, and what ended and is judged by it.
    `due_soon` says whether a dossier of the view `dossiers` is due soon: by working hours, alerts know it, which have
    the calendars of agencies.
    """
    leading = profile.leading
    parts = {
        "time_zone": profile.time_zone,
        "terms": profile.terms,
        "leading": str(number_of(leading)),
        "on_time": " + ".join(ON_TIME[leading]),
        "judged": " + ".join(JUDGED[leading]),
        "leading_name": leading,
        "leading_vi": TITLES[leading][0],
        "leading_en": TITLES[leading][1],
        "due_soon_amount": str(profile.due_soon.amount),
        "due_soon_unit": profile.due_soon.unit,
    }
    due_soon = "due_soon_by_the_clock" if profile.due_soon.unit == "hours" else "due_soon_by_alerts"
    return {
        name: filled(_fragment(text), parts) for name, text in {"verdicts": "verdicts", "due_soon": due_soon}.items()
    } | parts


def filled(text: str, parts: dict[str, str]) -> str:
    """The text with each part in the place of its name in braces."""
    for name, value in parts.items():
        text = text.replace(f"{{{name}}}", value)
    return text


@cache
def _fragment(name: str) -> str:
    return (files("schemas") / "fragments" / f"{name}.sql").read_text().strip()
