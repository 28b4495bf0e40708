"""The identity of stored counts: their topic, cluster and rules, epoch by epoch, compared with today's."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Literal

from clickhouse_driver import Client
from msgspec import Struct

from schemas.tables import DEPLOYMENT
from schemas.topics import EVENTS
from streams.errors import WrongIdentity

State = Literal["serving", "rebuilding", "abandoned"]


class Origin(Struct, frozen=True):
    """What counts depend on: the topic, its Kafka cluster and partition count, and the rules."""

    cluster: str
    topic_id: str
    partitions: int
    rules: str


class Entry(Struct, frozen=True):
    """A row of `deployment`; `source` is what a rebuild counts, and empty otherwise."""

    epoch: int
    origin: Origin
    state: State
    source: str
    changed_at: datetime


class History(Struct, frozen=True):
    """The epochs of a database, in order."""

    entries: Sequence[Entry]

    @property
    def serving(self) -> Entry | None:
        """The epoch that workers count in and readers see; None while the database belongs to no topic."""
        return next((entry for entry in reversed(self.entries) if entry.state == "serving"), None)

    @property
    def unfinished(self) -> Entry | None:
        """The rebuild that is neither finished nor abandoned."""
        return next((entry for entry in reversed(self.entries) if entry.state == "rebuilding"), None)

    @property
    def last_epoch(self) -> int:
        """The greatest epoch ever used, 0 without any; an epoch is never reused."""
        return max((entry.epoch for entry in self.entries), default=0)


def read_history(client: Client) -> History:
    """The epochs in the database of this client; raises what the driver does."""
    rows = client.execute(
        "SELECT epoch, cluster, topic_id, partitions, rules, state, source, changed_at FROM deployment FINAL "
        "WHERE topic = %(topic)s ORDER BY epoch",
        {"topic": EVENTS},
    )
    return History([Entry(row[0], Origin(*row[1:5]), *row[5:]) for row in rows])


def write_entry(client: Client, entry: Entry) -> None:
    """Write the row, which replaces that of its epoch; raises what the driver does."""
    origin = entry.origin
    values = {
        "topic": EVENTS,
        "epoch": entry.epoch,
        "topic_id": origin.topic_id,
        "cluster": origin.cluster,
        "partitions": origin.partitions,
        "rules": origin.rules,
        "state": entry.state,
        "source": entry.source,
        "changed_at": entry.changed_at,
    }
    names = list(DEPLOYMENT.columns)
    client.execute(
        f"INSERT INTO deployment ({', '.join(names)}) VALUES", [tuple(values[name] for name in names)]
    )  # our names


def later_than(entry: Entry) -> datetime:
    """The time of a change now: later than the entry's last change, whatever this machine's clock says."""
    return max(datetime.now(UTC), entry.changed_at.replace(tzinfo=UTC) + timedelta(milliseconds=1))


def difference(stored: Origin, found: Origin, database: str, address: str) -> WrongIdentity | None:
    """Why counts of one origin must not be added to those of the other, and the command to run; None where they may."""
    if stored.cluster and stored.cluster != found.cluster:
        return WrongIdentity(
            f"database {database} belongs to the deployment on Kafka cluster {stored.cluster}, but {address} is "
            f"cluster {found.cluster}: use another DOSSIER_DATABASE, or, where the former cluster is gone for good, "
            "take the database over with `dossier rebuild --take-over`"
        )
    if stored.topic_id != found.topic_id:
        return WrongIdentity(
            f"topic {EVENTS} was made anew: the counts in database {database} are of topic id {stored.topic_id}, but "
            f"now it is {found.topic_id}; stop the workers and move the counts over with `dossier rebuild`"
        )
    if stored.partitions != found.partitions:
        return WrongIdentity(
            f"topic {EVENTS} was given other partitions: the counts in database {database} have partition count "
            f"{stored.partitions}, but now it is {found.partitions}; stop the workers and move the counts over with "
            "`dossier rebuild`"
        )
    if stored.rules != found.rules:
        newer = stored.rules.split()[0] != found.rules.split()[0]
        return WrongIdentity(
            f"the counts in database {database} have rules {stored.rules}, but now it is {found.rules}: use the former "
            f"{'version of this program' if newer else 'profile'}, or stop the workers (of an embedded platform: "
            "`dossier down`, `dossier up --workers 0`) and count anew by these rules with `dossier rebuild`"
        )
    return None
