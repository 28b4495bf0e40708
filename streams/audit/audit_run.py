"""One audit of everything, or of what moved since another one."""

from collections.abc import Callable, Iterator, Mapping

from clickhouse_driver import Client

from schemas.connection import ClickHouseConnection
from schemas.deployment_profile import Profile
from streams.audit.alerts import alert_number_findings
from streams.audit.cutoff import CUT, POSITION, Cut, read_cut, wait_for
from streams.audit.findings import Audit
from streams.audit.ledger_check import number_findings, progress_findings
from streams.audit.raw_events import Part, parts_of
from streams.audit.recompute_facts import CaseCheck, CaseResults, PendingCase
from streams.audit.recompute_windows import WindowCheck
from streams.audit.rollups import rollup_findings
from streams.audit.throttle import Throttle
from streams.audit.views import view_findings
from streams.counting.store_interface import WindowRow
from streams.errors import Unfinished
from streams.on_time.ruling import Ruling
from streams.reference.ruling_loading import load_ruling
from streams.storage.clickhouse_client import database
from streams.storage.epochs import read_history

PATIENCE_SECONDS = 20.0
"""How long an audit waits for progress that does not move; a worker writes it every second or two."""
_CASES_PER_CUT = 20_000
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
    """Recompute everything and compare, or with `since` what moved beyond that cut; `on_progress` gets the cases done.

    Rows beyond the progress of a worker that has made none for `patience` seconds are unconfirmed. Raises Unreachable,
    NotMigrated, or Unfinished where a rebuild exchanges the tables meanwhile.
    """
    with database(clickhouse) as client:
        for _ in range(_ATTEMPTS):
            before = _serving_tables(client)
            found = _Pass(
                clickhouse, client, profile, on_progress or (lambda _: None), throttle or Throttle(), patience
            ).run(since)
            if _serving_tables(client) == before:
                return found
    raise Unfinished("a rebuild exchanged the tables while they were audited: audit once it is done")


def _serving_tables(client: Client) -> list[tuple[str, str]]:
    """Names and ids of the serving tables; raises Unfinished where a rebuild has exchanged only some."""
    sql = (
        "SELECT name, toString(uuid), extract(create_table_query, 'from_epoch_[0-9]+') FROM system.tables "
        "WHERE database = currentDatabase() AND name IN ('windows', 'facts', 'progress') ORDER BY name"
    )
    found = client.execute(sql)
    if len({constraint for _, _, constraint in found}) > 1:
        raise Unfinished("a rebuild has exchanged only some of the tables: finish it with `dossier rebuild`")
    return [(name, uuid) for name, uuid, _ in found]


class _Pass:
    """One pass over everything, or over what moved."""

    def __init__(
        self,
        clickhouse: ClickHouseConnection,
        client: Client,
        profile: Profile,
        on_progress: Callable[[int], None],
        throttle: Throttle,
        patience: float,
    ) -> None:
        self._clickhouse = clickhouse
        self._client = client
        self._profile = profile
        self._on_progress = on_progress
        self._throttle = throttle
        self._patience = patience

    def run(self, since: Cut | None) -> Audit:
        client = self._client
        ruling = self._ruling()
        cut = read_cut(client)
        (windows,) = client.execute("SELECT count() FROM windows FINAL")[0]
        findings = [*progress_findings(client), *alert_number_findings(client)]
        if since is None:
            findings += [*view_findings(client, self._profile), *rollup_findings(client, self._profile)]
        missing = list(number_findings(client))
        cases, pending = self._check_cases(since, ruling)
        named = sum(each.column == "dossier" and each.stored == "missing" for each in cases.differences)
        if sum(number for number, _ in missing) > named:
            # Otherwise each missing case is a difference with its name, as its events are stored.
            findings += [finding for _, finding in missing]
        self._throttle.rest()
        only = None if since is None else cases.windows | self._touched(since)
        differing, unconfirmed = WindowCheck(self._clickhouse, self._profile, ruling, self._patience).run(client, only)
        self._throttle.rest()
        return Audit(
            cases.dossiers,
            cases.events,
            windows if only is None else len(only),
            differing,
            cases.differences,
            cases.conflicts,
            findings,
            unconfirmed + pending,
            scope="all" if since is None else "moved",
            cut=cut,
        )

    def _ruling(self) -> Ruling:
        """What decided the terms and verdicts that are stored."""
        serving = read_history(self._client).serving
        return load_ruling(self._client, self._profile, serving.epoch if serving else 0)

    def _check_cases(self, since: Cut | None, ruling: Ruling) -> tuple[CaseResults, int]:
        """Check all cases, or those that moved; also returns how many could not be confirmed."""
        found = CaseResults()
        cases = CaseCheck(self._clickhouse, self._profile, ruling, with_windows=since is not None)
        pending: dict[str, PendingCase] = {}
        for part in self._parts(since):
            cases.run(self._client, part, read_cut(self._client), {}, found)
            self._on_progress(found.dossiers)
            self._throttle.rest()
        for _ in range(_ROUNDS):
            if not found.pending:
                break
            pending, found.pending = found.pending, {}
            needed: dict[int, int] = {}
            for each in pending.values():
                needed[each.partition] = max(needed.get(each.partition, 0), each.pos)
            cut = wait_for(self._client, needed, self._patience)
            for part in parts_of(pending):
                cases.run(self._client, part, cut, pending, found)
            self._on_progress(found.dossiers)
        return found, len(found.pending)

    def _parts(self, since: Cut | None) -> Iterator[Part]:
        """The cases in parts, in the order of their names."""
        if since is not None:
            sql = (
                f"SELECT dossier FROM facts WHERE pos > {CUT} "  # noqa: S608  # our names
                f"UNION DISTINCT SELECT dossier FROM events WHERE {POSITION} > {CUT}"
            )
            yield from parts_of({name for (name,) in self._client.execute(sql, since.parameters())})
            return
        sql = (
            "SELECT dossier FROM (SELECT dossier, rowNumberInAllBlocks() AS row FROM "  # noqa: S608  # a number
            f"(SELECT dossier FROM facts ORDER BY dossier)) WHERE row % {_CASES_PER_CUT} = {_CASES_PER_CUT - 1}"
        )
        bounds = [bound for (bound,) in self._client.execute(sql)]
        for first, last in zip([None, *bounds], [*bounds, None], strict=True):
            limits: Mapping[str, str] = {k: v for k, v in (("first", first), ("last", last)) if v is not None}
            conditions = {"first": "dossier >= %(first)s", "last": "dossier < %(last)s"}
            yield Part(" AND ".join(conditions[name] for name in limits) or "1", limits)

    def _touched(self, since: Cut) -> set[WindowRow]:
        sql = f"SELECT DISTINCT agency, toUnixTimestamp(window), partition FROM windows WHERE pos > {CUT}"  # noqa: S608  # our names
        return set(self._client.execute(sql, since.parameters()))
