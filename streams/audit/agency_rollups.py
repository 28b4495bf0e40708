"""Roll-ups of agencies, their places and the figures of the tree, each against what it is made of.

Roll-ups are minutes behind by design, and filling them takes long over many windows: they are refreshed where something
differs, and then checked again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from operator import add

from clickhouse_driver import Client

from schemas.counters import COUNTERS
from schemas.deployment_profile import Profile
from schemas.reference.agency import Agency
from schemas.reference.agency_tree import AgencyTree, Path, placements
from schemas.reference.validity import boundaries
from streams.audit.findings import Finding
from streams.audit.lasting import Differing, Place, lasting
from streams.queries import query
from streams.reference.kinds import KINDS
from streams.reference.loads import content, current
from streams.storage.rollups import refresh

AGENCY_ROLLUPS = ("refresh_agency_past", "refresh_agency_months", "refresh_receiver_days")
_AGENCIES = KINDS["agencies"]
_MONTHS = (
    "SELECT month FROM (SELECT toStartOfMonth(day) AS month FROM agency_past UNION DISTINCT "
    "SELECT month FROM agency_months UNION DISTINCT SELECT toStartOfMonth(toDate(window, '{time_zone}')) FROM windows "
    "WHERE window < (SELECT max(until) FROM agency_past)) ORDER BY month"
)
_NAMES = ", ".join(COUNTERS)
_NOTHING = [0] * len(COUNTERS)
_NOUGHTS = ", ".join(["toInt64(0)"] * len(COUNTERS))
_RECEIVED = ("received", "received_online", "received_postal")
_ALWAYS = "since = '1970-01-01', until = '2149-06-06'"


def agency_rollup_findings(client: Client, profile: Profile, pause: Callable[[float], None]) -> Iterator[Finding]:
    """What differs from windows, facts and declared agencies, also after a refresh; raises what the driver does."""
    yield from _placement_findings(client)

    def differing() -> Differing:
        found = _differing(client, profile)
        if not found:
            return found
        # At each check: what was counted between a refresh and its check would differ until the next one.
        refresh(client, _stale(place for place, _ in found))
        return _differing(client, profile)

    for place, (is_, should) in lasting(differing, pause).items():
        yield Finding("rollups", " ".join(place), str(is_), str(should))


def _stale(places: Iterable[str]) -> Sequence[str]:
    """The roll-ups to be refreshed where these places differ; filling those of windows takes long."""
    return AGENCY_ROLLUPS[-1:] if all(place.startswith("receiver_days ") for place in places) else AGENCY_ROLLUPS


def _placement_findings(client: Client) -> Iterator[Finding]:
    """Stored places that do not follow from the declared agencies of the same load."""
    load = current(client, _AGENCIES.name)
    agencies = content(client, _AGENCIES, load)
    sql = "SELECT agency, valid_from, valid_to, path FROM agency_placements WHERE load = %(load)s"
    rows = client.execute(sql, {"load": load.load if load else 0})
    stored = {(code, first, last): tuple(path) for code, first, last, path in rows}
    derived = {(each.agency, each.valid_from, each.valid_to): each.path for each in placements(agencies)}
    for key in sorted(stored.keys() | derived.keys()):
        is_, should = stored.get(key), derived.get(key)
        if is_ != should:
            code, first, last = key
            place = f"agency_placements {code} {first} to {last}"
            yield Finding("rollups", place, _shown(is_), _shown(should))


def _differing(client: Client, profile: Profile) -> Differing:
    found: dict[Place, tuple[int, int]] = {}
    sql = query("audit_agency_rollups", profile, counters=_NAMES, noughts=_NOUGHTS)
    for (month,) in client.execute(_MONTHS.replace("{time_zone}", profile.time_zone)):
        for place, figure, is_, should in client.execute(sql, {"month": month}):
            found[place, figure] = is_, should
    names = ", ".join(f"'{name}'" for name in _RECEIVED)
    for place, figure, is_, should in client.execute(query("audit_receiver_days", profile, names=names)):
        found[place, figure] = is_, should
    # Read at each check: after a load meanwhile, the next one has its tree.
    return found | _differing_nodes(client, profile, content(client, _AGENCIES, current(client, _AGENCIES.name)))


def _differing_nodes(client: Client, profile: Profile, agencies: Sequence[Agency]) -> dict[Place, tuple[int, int]]:
    """Figures of nodes, own and of all below, that are not the sums of windows at the places that the rule gives."""
    tree = AgencyTree(agencies)
    changes = [str(day) for day in boundaries(agencies)]
    rows = client.execute(query("audit_nodes", profile, counters=_NAMES), {"changes": changes})
    found: dict[Place, tuple[int, int]] = {}
    for way in ("then", "today"):
        should: dict[tuple[Path, bool], list[int]] = {}
        for code, day, today, counted in rows:
            path = tree.place(code, day if way == "then" else today)
            for depth in range(1, len(path) + 1):
                key = path[:depth], depth == len(path)
                should[key] = list(map(add, should.get(key, _NOTHING), counted))
        sql = f"SELECT path, is_own, [{_NAMES}] FROM node_figures(way = '{way}', {_ALWAYS})"  # noqa: S608  # our names
        is_ = {(tuple(path), bool(is_own)): shown for path, is_own, shown in client.execute(sql)}
        for path, is_own in sorted(is_.keys() | should.keys()):
            key = path, is_own
            place = f"node_figures {way} {' > '.join(path)} {'own' if is_own else 'below'}"
            for counter, *values in zip(COUNTERS, is_.get(key, _NOTHING), should.get(key, _NOTHING), strict=True):
                if values[0] != values[1]:
                    found[place, counter] = values[0], values[1]
    return found


def _shown(path: Path | None) -> str:
    return "missing" if path is None else " > ".join(path)
