"""The receiver without its HTTP server: a request in, an answer out, acknowledged only once Kafka has everything."""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from connectors.errors import ConnectorError
from connectors.portal import answers
from connectors.portal.access import Access, Denied
from connectors.portal.answers import Answer, Counts, Failure
from connectors.portal.directory import Directory
from connectors.portal.group_commit import Busy, GroupCommit
from connectors.portal.implied_events import Told
from connectors.portal.limits import Limits, Rates
from connectors.portal.reject_file import RejectFile
from connectors.portal.rejected import Rejected
from connectors.portal.senders import Sender
from connectors.portal.translation import Service, Translation, translate
from connectors.portal.wire_values import code_at, text_at
from schemas.distortion import Distortion
from schemas.errors import DossierError

_RETRY_SECONDS = 5
_LONGEST_SESSION = 1000
_MOST_LOGINS = 8
_MOST_NAMES = 10_000
_MICROSECOND = timedelta(microseconds=1)


class Call(Struct, frozen=True):
    """What came in: the body as JSON and as bytes, and what its headers say."""

    body: Any
    content: bytes
    address: str
    key: str = ""
    timestamp: str = ""
    signature: str = ""


class Done(Struct, frozen=True):
    """What became of a call: its answer, and what is logged of it."""

    answer: Answer
    sender: str = ""
    service: str = ""
    items: int = 0
    rejects: int = 0


class Observer(Protocol):
    """Who wants to know about flags; called on the thread of the requests, so it must not wait."""

    def on_flags(self, flags: Sequence[Distortion]) -> None:
        """Flags of items whose events Kafka has."""

    def on_trouble(self, what: str, error: Exception) -> None:
        """Something beside the requests failed."""


class Receiver:
    """Answers calls. For one event loop; `directory` gives None while no reference data could be read yet."""

    def __init__(
        self,
        access: Access,
        commit: GroupCommit,
        directory: Callable[[], Directory | None],
        counts: Counts,
        rejects: RejectFile,
        observer: Observer,
        zone: ZoneInfo,
        limits: Limits | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.limits = limits or Limits()
        self._access = access
        self._commit = commit
        self._directory = directory
        self._counts = counts
        self._rejects = rejects
        self._observer = observer
        self._zone = zone
        self._clock = clock
        self._rates = Rates()
        self._attempts = Rates(burst=60.0)
        self._last = datetime.min.replace(tzinfo=UTC)
        self._logins = 0
        self._names: set[str] = set()

    async def login(self, call: Call) -> Done:
        """A session for user name and password."""
        body = _object(call.body)
        username, password = (_text(body, field) for field in ("username", "password"))
        if wait := self._attempts.take(f"{call.address} {username[:64]}", self.limits.logins / 60, 1):
            raise Failure(429, "too many attempts for this user name", wait)
        if self._logins >= _MOST_LOGINS:
            raise Failure(503, "too many log in at once", 1)
        self._logins += 1
        try:
            session = await asyncio.to_thread(self._access.login, username, password)
        except Denied as error:
            raise Failure(401, str(error)) from error
        finally:
            self._logins -= 1
        return Done(Answer(200, {"error_code": "0", "message": "", "session": session}), username, "login")

    async def sync(self, call: Call) -> Done:
        """A call of the envelope: its service decides."""
        body = _object(call.body)
        service = _text(body, "service")
        sender = self._vouch(call, _text(body, "session"), _text(body, "madonvi"))
        with _named(sender, service):
            if service in ("DongBoHoSoMC", "CapNhatTienDoHoSoMC"):
                data = body.get("data")
                items = [data] if isinstance(data, dict) else data
                is_updating = _text(body, "isUpdating")
                return await self._take(service, items, sender, is_updating, "0")  # type: ignore[arg-type]
            return Done(await self._look_up(service, body, sender), sender.username, service)

    async def older(self, service: Service, call: Call, unit: str, is_updating: str) -> Done:
        """A call of the older form: the service in the path, the unit in the query, the items as the whole body."""
        sender = self._vouch(call, "", unit)
        with _named(sender, service):
            return await self._take(service, call.body, sender, is_updating, "00")

    def _vouch(self, call: Call, session: str, unit: str) -> Sender:
        try:
            if call.key:
                sender = self._access.by_key(call.key)
            elif session:
                sender = self._access.by_session(session[:_LONGEST_SESSION])
            else:
                sender = self._access.by_address(unit, call.address)
            self._access.check_signature(sender, call.timestamp, call.signature, call.content)
        except Denied as error:
            raise Failure(401, str(error)) from error
        try:
            self._access.check_unit(sender, unit)
        except Denied as error:
            raise Failure(403, str(error)) from error
        return sender

    async def _take(self, service: Service, items: Any, sender: Sender, is_updating: str, success: str) -> Done:
        if not isinstance(items, list) or not items:
            raise Failure(400, "data is no list of items")
        if len(items) > self.limits.items:
            raise Failure(413, f"{len(items)} items were sent, {self.limits.items} are taken at once")
        if wait := self._rates.take(sender.username, sender.items_per_second, len(items)):
            raise Failure(429, f"more than {sender.items_per_second} items a second", wait)
        told = Told(sender.username, self._now(), is_update=is_updating.lower() != "false")
        found = translate(service, items, sender, self._known(), self._zone, told)
        if found.events:
            await self._committed(found)
        self._note(found, sender, service, told.at)
        answer = answers.for_items(found, success, map(_key, items))
        return Done(answer, sender.username, service, len(items), len(found.rejected))

    async def _committed(self, found: Translation) -> None:
        try:
            await asyncio.wrap_future(self._commit.commit(found.events))
        except Busy as error:
            raise Failure(503, "too much waits already: send it again", 1) from error
        except ConnectorError as error:
            self._observer.on_trouble("nothing is acknowledged, since Kafka does not take events", error)
            raise Failure(503, "nothing of this was taken for certain: send all of it again", _RETRY_SECONDS) from error

    def _note(self, found: Translation, sender: Sender, service: str, at: datetime) -> None:
        """What is kept beside the events: the sender has its answer, whatever fails here."""
        if found.flags:
            self._observer.on_flags(found.flags)
        try:
            if found.rejected:
                self._rejects.add(found.rejected, sender.username, service, at)
            for name in found.unknown.keys() - self._names:
                self._rejects.note_agency(name, found.unknown[name], sender.username, at)
                if len(self._names) < _MOST_NAMES:
                    self._names.add(name)
        except OSError as error:
            self._observer.on_trouble("what was put aside cannot be kept", error)

    async def _look_up(self, service: str, body: Mapping[str, Any], sender: Sender) -> Answer:
        if service == "TraCuuHoSo":
            return await self._dossier(body, sender)
        if service == "LayThuTuc":
            return answers.for_procedure(_asked(body, "maTTHC", "MaTTHC"), self._known())
        if service == "LayDanhSachTTHC":
            return answers.for_procedures(self._known())
        if service == "LayDanhMucCoQuan":
            return answers.for_agencies(self._known())
        raise Failure(400, "the service is not one of this receiver")

    async def _dossier(self, body: Mapping[str, Any], sender: Sender) -> Answer:
        code = _asked(body, "mahoso", "MaHoSo", "maHoSo")
        if not code:
            return answers.for_dossier(None)
        try:
            found = await asyncio.to_thread(self._counts.dossier, code)
        except DossierError as error:
            self._observer.on_trouble("a dossier cannot be looked up", error)
            raise Failure(503, "counts cannot be read now", _RETRY_SECONDS) from error
        directory = self._known()
        ours = found is not None and any(directory.covers(scope, found.agency) for scope in sender.agencies)
        return answers.for_dossier(found if ours else None)

    def _known(self) -> Directory:
        directory = self._directory()
        if directory is None:
            raise Failure(503, "reference data could not be read yet", _RETRY_SECONDS)
        return directory

    def _now(self) -> datetime:
        """The time of a message: no two have the same one, and none goes back."""
        self._last = max(self._clock(), self._last + _MICROSECOND)
        return self._last


@contextmanager
def _named(sender: Sender, service: str) -> Iterator[None]:
    """A failure within tells whose request it was, and for what."""
    try:
        yield
    except Failure as failure:
        failure.sender, failure.service = sender.username, service
        raise


def decode_body(content: bytes) -> Any:
    """The JSON of a body; raises Failure where it is none."""
    try:
        return msgspec.json.decode(content)
    except (msgspec.MsgspecError, RecursionError, ValueError) as error:
        raise Failure(400, "the body is no JSON") from error


def _object(body: Any) -> Mapping[str, Any]:
    if not isinstance(body, dict):
        raise Failure(400, "the body is no JSON object")
    return body


def _text(body: Mapping[str, Any], field: str) -> str:
    try:
        return text_at(body, field)
    except Rejected as error:
        raise Failure(400, str(error)) from error


def _asked(body: Mapping[str, Any], *fields: str) -> str:
    """The code that is asked for, in the first of these fields that has one; empty where none has."""
    for field in fields:
        with suppress(Rejected):
            if code := code_at(body, field):
                return code
    return ""


def _key(item: Any) -> str:
    """The code by which the sender knows an item; empty where it is none that can be repeated."""
    try:
        return code_at(item, "MaHoSo") if isinstance(item, dict) else ""
    except Rejected:
        return ""
