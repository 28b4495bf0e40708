"""The facts of a worker's partitions beside the worker, so that ClickHouse is not asked about old dossiers.

An assigned partition is first *waiting*, then *restoring*, while its entries are brought up to date from ClickHouse,
and then *complete*: a dossier without an entry is new. Until it is complete, ClickHouse is asked. Two rules make this
right; docs/architecture.md, “Local state”, has the argument:

- Of two facts of a dossier, the one with the greater position is kept, in ClickHouse as here.
- What is confirmed before a partition is restoring is read from ClickHouse afterwards; what is confirmed later enters.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from operator import itemgetter
from threading import Lock
from typing import Literal

from msgspec import Struct, structs

from schemas.tables import FACTS, PROGRESS
from streams.counting.state_store import StateHead, StateOrigin, StateStore
from streams.counting.store_interface import Row, Store, Stored
from streams.errors import StateUnusable

_PAGE = 10_000
"""So many rows are read from ClickHouse at once."""
_READ_BYTES = 8 << 20
"""The most registers that are read at once to compare positions."""

_fact = itemgetter(*map(list(FACTS.columns).index, ("partition", "dossier", "pos", "registers", "number")))
_progress = itemgetter(*map(list(PROGRESS.columns).index, ("partition", "pos")))

Stage = Literal["waiting", "restoring", "complete"]


class _Session(Struct):
    """A partition from one assignment to the next."""

    stage: Stage = "waiting"
    head: StateHead | None = None
    """The stored head, from restoring on."""
    confirmed: int = 0
    """The progress up to which all changes are in ClickHouse or among the entries, from restoring on."""


class LocalState:
    """Local state of the assigned partitions. One thread at a time may count, one confirm, and one restore.

    Facts are restored from `store`, `page` rows at a time. A state store that fails is given up: `on_failure` gets the
    reason, ClickHouse is asked about every dossier, and `open_with` begins anew.
    """

    def __init__(
        self,
        store: Store,
        topic: str,
        on_failure: Callable[[str], None] = lambda _reason: None,
        page: int = _PAGE,
    ) -> None:
        self._store = store
        self._topic = topic
        self._on_failure = on_failure
        self._page = page
        self._lock = Lock()
        self._sessions: dict[int, _Session] = {}
        self._opened: tuple[StateStore, StateOrigin] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is a state store that works."""
        return self._opened is not None

    @property
    def complete(self) -> int:
        """How many partitions are complete."""
        return sum(session.stage == "complete" for session in list(self._sessions.values()))

    def open_with(self, states: StateStore, origin: StateOrigin) -> None:
        """Use this state store and its entries of this origin; every assigned partition waits to be restored."""
        with self._lock:
            self._opened = states, origin

    def close(self) -> None:
        """Close the state store; from here on ClickHouse is asked."""
        with self._lock:
            opened, self._opened = self._opened, None
            self._sessions = {partition: _Session() for partition in self._sessions}
        if opened:
            with suppress(StateUnusable):
                opened[0].close()

    def attach(self, partition: int) -> None:
        """Count the partition from what ClickHouse has stored; all earlier batches are confirmed and have entered."""
        with self._lock:
            self._sessions[partition] = _Session()

    def detach(self, partition: int) -> None:
        """Keep the entries of the partition as they are, and restore them no longer; any thread may call it.

        What is confirmed later does not enter. The head stays, so it is read when the partition returns.
        """
        with self._lock:
            self._sessions.pop(partition, None)

    def read(self, partition: int, dossiers: Sequence[str], max_bytes: int) -> tuple[int, dict[str, Stored]] | None:
        """As `StateStore.read` where the partition is complete, so that a dossier without facts is new; else None."""
        opened, session = self._opened, self._sessions.get(partition)
        if opened is None or session is None or session.stage != "complete":
            return None
        try:
            return opened[0].read(partition, dossiers, max_bytes)
        except StateUnusable as error:
            self._give_up(opened[0], error)
            return None

    def enter_read(self, partition: int, facts: Mapping[str, Stored]) -> None:
        """Enter facts that counting has read from ClickHouse, before anything that is counted from them is confirmed.

        They may hold events that another worker counted. Counting then writes no facts for these events, and without
        this the head would move past them.
        """
        self._enter(partition, facts)

    def enter(self, facts: Sequence[Row], progress: Sequence[Row]) -> None:
        """Enter rows of facts and progress, in the order of the log: ClickHouse has confirmed all that they imply."""
        changed: dict[int, dict[str, Stored]] = {}
        for partition, dossier, *stored in map(_fact, facts):
            changed.setdefault(partition, {})[dossier] = Stored(*stored)
        reached: dict[int, int] = dict(map(_progress, progress))
        for partition in changed.keys() | reached.keys():
            self._enter(partition, changed.get(partition, {}), reached.get(partition, 0))

    def restore(self) -> Iterator[None]:
        """Restore the waiting partitions, one after another; anything may happen at each step."""
        while opened := self._opened:
            try:
                if not (waiting := self._waiting(opened[0])):
                    return
                yield from self._restore(*waiting, *opened)
            except StateUnusable as error:
                self._give_up(opened[0], error)

    def _waiting(self, states: StateStore) -> tuple[int, _Session] | None:
        """A partition that waits, first one of which only what lies past its head is missing: it is soon complete."""
        with self._lock:
            waiting = [item for item in self._sessions.items() if item[1].stage == "waiting"]
        heads = ((item, states.read_head(item[0])) for item in waiting)
        soon = (item for item, head in heads if head is not None and head.scanned is None)
        return next(soon, waiting[0] if waiting else None)

    def _restore(self, partition: int, session: _Session, states: StateStore, origin: StateOrigin) -> Iterator[None]:
        checkpoint = self._store.read_checkpoints(self._topic).get(partition)
        progress = checkpoint.pos if checkpoint else 0
        yield
        with self._lock:
            if not self._is_current(partition, session):
                return
            head = states.read_head(partition)
            if head is None or head.why_unusable(origin, partition, progress):
                head = StateHead(origin, partition, progress)
                states.reset(head)
            session.head, session.confirmed, session.stage = head, progress, "restoring"
        scanned = head.scanned
        while scanned is not None:
            facts, scanned = self._store.read_facts_past(partition, 0, scanned, self._page)
            yield
            with self._lock:
                if not self._is_current(partition, session):
                    return
                self._put(states, session, facts, scanned=scanned)
        # What was stored past the head, of dossiers that were scanned earlier.
        after: str | None = ""
        while after is not None:
            facts, after = self._store.read_facts_past(partition, head.complete, after, self._page)
            yield
            with self._lock:
                if not self._is_current(partition, session):
                    return
                if after is None:
                    session.stage = "complete"
                self._put(states, session, facts, complete=session.confirmed if after is None else 0)

    def _is_current(self, partition: int, session: _Session) -> bool:
        """Whether the partition is neither assigned anew nor revoked, and the state store has not failed."""
        return self._sessions.get(partition) is session

    def _enter(self, partition: int, facts: Mapping[str, Stored], progress: int = 0) -> None:
        with self._lock:
            session, opened = self._sessions.get(partition), self._opened
            if opened is None or session is None or session.stage == "waiting":
                # ClickHouse has them by the time at which the partition is restored.
                return
            session.confirmed = max(session.confirmed, progress)
            try:
                self._put(opened[0], session, facts, complete=progress if session.stage == "complete" else 0)
            except StateUnusable as error:
                failure = error
            else:
                return
        self._give_up(opened[0], failure)

    def _put(
        self,
        states: StateStore,
        session: _Session,
        facts: Mapping[str, Stored],
        *,
        complete: int = 0,
        scanned: str | None = "",
    ) -> None:
        """Write those of the facts that are newer than the entries, and how far the head moves; with the lock."""
        head = session.head
        assert head is not None  # noqa: S101  # it is set from restoring on
        positions = [stored.pos for stored in facts.values()]
        if positions and min(positions) <= head.newest:
            facts = _newer(states, head.partition, facts)
        session.head = structs.replace(
            head,
            complete=max(head.complete, complete),
            newest=max([head.newest, *positions]),
            scanned=head.scanned if scanned == "" else scanned,
        )
        if facts or session.head != head:
            states.write(facts, session.head)

    def _give_up(self, states: StateStore, failure: StateUnusable) -> None:
        """Close a state store that failed, unless another thread has done it."""
        with self._lock:
            if self._opened is None or self._opened[0] is not states:
                return
            self._opened = None
            self._sessions = {partition: _Session() for partition in self._sessions}
        with suppress(StateUnusable):
            states.close()
        self._on_failure(str(failure))


def _newer(states: StateStore, partition: int, facts: Mapping[str, Stored]) -> dict[str, Stored]:
    """Those of these facts that are newer than the entries."""
    newer: dict[str, Stored] = {}
    left = list(facts)
    while left:
        number, held = states.read(partition, left, _READ_BYTES)
        for dossier in left[:number]:
            if dossier not in held or held[dossier].pos < facts[dossier].pos:
                newer[dossier] = facts[dossier]
        left = left[number:]
    return newer
