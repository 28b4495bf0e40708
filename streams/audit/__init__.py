"""The audit: every window again from facts, every fact again from raw events, and each difference told.

It takes the log at a cut, which it reads before anything else (`streams.audit.cut`): whatever is counted meanwhile lies
beyond it. So it is exact under any traffic, and finishes in one pass.
"""

from collections.abc import Callable, Iterator, Mapping

from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from schemas.connection import ClickHouseConnection
from schemas.profile import Profile
from streams.audit.cases import Cases, Looked, Moving
from streams.audit.cut import CUT, POSITION, Cut, read_cut, wait_for
from streams.audit.findings import Audit, FactsDifference, Finding, WindowDifference, record_audit
from streams.audit.ledger import of_alerts, of_numbers, of_progress
from streams.audit.raw_events import Part, named
from streams.audit.rollups import rollup_findings
from streams.audit.throttle import Throttle
from streams.audit.views import view_findings
from streams.audit.windows import Windows
from streams.counting.store import WindowRow
from streams.errors import Unfinished
from streams.storage.clickhouse import connect, explain

__all__ = ["Audit", "FactsDifference", "Finding", "Throttle", "WindowDifference", "audit", "record_audit"]

PATIENCE_SECONDS = 20.0
"""How long progress may stand still while rows beyond it are waited for; a worker writes it every second or two."""
_PART = 20_000
"""Cases looked at after one cut."""
_ROUNDS = 5
_ATTEMPTS = 3


def audit(
    clickhouse: ClickHouseConnection,
    profile: Profile,
    on_progress: Callable[[int], None] | None = None,
    *,
    since: Cut | None = None,
    throttle: Throttle | None = None,
    patience: float = PATIENCE_SECONDS,
) -> Audit:
    """Recompute everything and compare, or with `since` what moved beyond that cut; `on_progress` hears of cases done.

    Rows past the progress of a worker that stands still for `patience` seconds are told as unconfirmed. Raises
    Unreachable, NotMigrated, or Unfinished where a rebuild exchanges the tables meanwhile.
    """
    client = connect(clickhouse)
    try:
        for _ in range(_ATTEMPTS):
            before = _tables(client)
            found = _Pass(
                clickhouse, client, profile, on_progress or (lambda _: None), throttle or Throttle(), patience
            )(since)
            if _tables(client) == before:
                return found
    except (Error, OSError, EOFError) as error:
        raise explain(error, clickhouse) from error
    finally:
        client.disconnect()
    raise Unfinished("a rebuild exchanged the tables while they were audited: audit once it is done")


def _tables(client: Client) -> list[tuple[str, str]]:
    """Which tables serve; raises Unfinished where some are those of a rebuild, and others not yet."""
    sql = (
        "SELECT name, toString(uuid), extract(create_table_query, 'from_epoch_[0-9]+') FROM system.tables "
        "WHERE database = currentDatabase() AND name IN ('windows', 'facts', 'progress') ORDER BY name"
    )
    found = client.execute(sql)
    if len({constraint for _, _, constraint in found}) > 1:
        raise Unfinished("a rebuild has exchanged some of the tables and not all: finish it with `dossier rebuild`")
    return [(name, uuid) for name, uuid, _ in found]


class _Pass:
    """One pass over everything, or over what moved."""

    def __init__(
        self,
        clickhouse: ClickHouseConnection,
        client: Client,
        profile: Profile,
        tell: Callable[[int], None],
        throttle: Throttle,
        patience: float,
    ) -> None:
        self._clickhouse = clickhouse
        self._client = client
        self._profile = profile
        self._tell = tell
        self._pace = throttle
        self._patience = patience

    def __call__(self, since: Cut | None) -> Audit:
        client = self._client
        cut = read_cut(client)
        (windows,) = client.execute("SELECT count() FROM windows FINAL")[0]
        findings = [*of_progress(client), *of_alerts(client)]
        if since is None:
            findings += [*view_findings(client, self._profile), *rollup_findings(client, self._profile)]
        gone = list(of_numbers(client))
        cases, moving = self._cases(since)
        named = sum(each.column == "dossier" and each.stored == "missing" for each in cases.differences)
        if sum(number for number, _ in gone) > named:
            # Or else each case that is gone is told by its name, since its events are there.
            findings += [finding for _, finding in gone]
        self._pace.rest()
        only = None if since is None else cases.windows | self._touched(since)
        differing, unconfirmed = Windows(self._clickhouse, self._profile, self._patience).look(client, only)
        self._pace.rest()
        return Audit(
            cases.dossiers,
            cases.events,
            windows if only is None else len(only),
            differing,
            cases.differences,
            cases.conflicts,
            findings,
            unconfirmed + moving,
            scope="all" if since is None else "moved",
            cut=cut,
        )

    def _cases(self, since: Cut | None) -> tuple[Looked, int]:
        """All cases, or those that moved, and how many could not be confirmed."""
        found = Looked()
        cases = Cases(self._clickhouse, self._profile, with_windows=since is not None)
        moving: dict[str, Moving] = {}
        for part in self._parts(since):
            cases.look(self._client, part, read_cut(self._client), {}, found)
            self._tell(found.dossiers)
            self._pace.rest()
        for _ in range(_ROUNDS):
            if not found.moving:
                break
            moving, found.moving = found.moving, {}
            needed: dict[int, int] = {}
            for each in moving.values():
                needed[each.partition] = max(needed.get(each.partition, 0), each.pos)
            cut = wait_for(self._client, needed, self._patience)
            for part in named(moving):
                cases.look(self._client, part, cut, moving, found)
            self._tell(found.dossiers)
        return found, len(found.moving)

    def _parts(self, since: Cut | None) -> Iterator[Part]:
        """The cases in parts, by their names' order."""
        if since is not None:
            sql = (
                f"SELECT dossier FROM facts WHERE pos > {CUT} "  # noqa: S608  # our names
                f"UNION DISTINCT SELECT dossier FROM events WHERE {POSITION} > {CUT}"
            )
            yield from named({name for (name,) in self._client.execute(sql, since.parameters())})
            return
        sql = (
            "SELECT dossier FROM (SELECT dossier, rowNumberInAllBlocks() AS row FROM "  # noqa: S608  # a number
            f"(SELECT dossier FROM facts ORDER BY dossier)) WHERE row % {_PART} = {_PART - 1}"
        )
        bounds = [bound for (bound,) in self._client.execute(sql)]
        for first, last in zip([None, *bounds], [*bounds, None], strict=True):
            limits: Mapping[str, str] = {k: v for k, v in (("first", first), ("last", last)) if v is not None}
            conditions = {"first": "dossier >= %(first)s", "last": "dossier < %(last)s"}
            yield Part(" AND ".join(conditions[name] for name in limits) or "1", limits)

    def _touched(self, since: Cut) -> set[WindowRow]:
        sql = f"SELECT DISTINCT agency, toUnixTimestamp(window), partition FROM windows WHERE pos > {CUT}"  # noqa: S608  # our names
        return set(self._client.execute(sql, since.parameters()))
