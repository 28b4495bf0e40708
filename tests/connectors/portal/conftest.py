"""A receiver over a topic in memory, asked without a connection."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from argon2 import PasswordHasher
from httpx import ASGITransport, AsyncClient, Response

from connectors.portal.access import Access, digest_of
from connectors.portal.answers import KnownDossier
from connectors.portal.app import make_app
from connectors.portal.directory import Directory
from connectors.portal.group_commit import GroupCommit
from connectors.portal.limits import Limits
from connectors.portal.receiver import Receiver
from connectors.portal.reject_file import RejectFile
from connectors.portal.senders import Sender
from connectors.publishing.publisher import Publisher
from schemas.distortion import Distortion
from tests.connectors.conftest import MemoryTransport
from tests.connectors.portal.messages import DIRECTORY, TOLD_AT, ZONE, sender

PASSWORD = "a long password"  # noqa: S105  # of a sender that exists in tests only
KEY = "a-key-that-is-long-enough"
HASH = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)


class Memory:
    """What the receiver tells, and the counts that it asks for."""

    def __init__(self) -> None:
        self.flags: list[Distortion] = []
        self.troubles: list[str] = []
        self.known: dict[str, KnownDossier] = {}
        self.failure: Exception | None = None

    def on_flags(self, flags: Sequence[Distortion]) -> None:
        self.flags += flags

    def on_trouble(self, what: str, error: Exception) -> None:
        self.troubles.append(f"{what}: {error}")

    def dossier(self, code: str) -> KnownDossier | None:
        if self.failure:
            raise self.failure
        return self.known.get(code)


class Portal(NamedTuple):
    """A receiver with all that surrounds it."""

    app: Any
    topic: MemoryTransport
    told: Memory
    rejects: Path
    commit: GroupCommit

    def post(self, path: str, json: Any = None, **options: Any) -> Response:
        """The answer to one request."""
        (answer,) = self.posts([(path, json)], **options)
        return answer

    def posts(self, requests: Sequence[tuple[str, Any]], address: str = "10.1.2.3", **options: Any) -> list[Response]:
        """The answers to requests that are sent at once."""

        async def send() -> list[Response]:
            transport = ASGITransport(self.app, client=(address, 40000))
            async with AsyncClient(transport=transport, base_url="http://portal") as client:
                content = options.pop("content", None)
                body = {"content": content} if content is not None else {}
                sent = (client.post(path, **(body or {"json": json}), **options, timeout=30) for path, json in requests)
                return list(await asyncio.gather(*sent))

        return asyncio.run(send())

    def sync(self, service: str, data: Any = None, **more: Any) -> Response:
        """The answer to a call of the envelope, by the sender's API key."""
        body = {"service": service, "madonvi": "000.00.17.H26", **({} if data is None else {"data": data}), **more}
        return self.post("/sync", body, headers={"X-Api-Key": KEY})


Make = Callable[..., Portal]


@pytest.fixture
def make(memory: MemoryTransport, tmp_path: Path) -> Iterator[Make]:
    """Makes receivers over the same topic."""
    made: list[GroupCommit] = []

    def build(
        *senders: Sender,
        limits: Limits | None = None,
        directory: Directory | None = DIRECTORY,
        connect: Callable[[], Publisher] = lambda: Publisher(memory, max_block=5),
        clock: Callable[[], datetime] = lambda: TOLD_AT,
    ) -> Portal:
        told = Memory()
        commit = GroupCommit(connect, seconds=5)
        made.append(commit)
        known = senders or (sender(password_hash=HASH, api_keys=(digest_of(KEY),)),)
        rejects = RejectFile(tmp_path / "rejects" / "portal.jsonl")
        receiver = Receiver(
            Access(known), commit, lambda: directory, told, rejects, told, ZONE, limits or Limits(), clock
        )
        return Portal(make_app(receiver), memory, told, rejects.path, commit)

    yield build
    memory.release()
    for commit in made:
        commit.close()


@pytest.fixture
def portal(make: Make) -> Portal:
    """A receiver with one sender."""
    return make()


def later(seconds: float) -> datetime:
    """So many seconds after the usual time of messages."""
    return TOLD_AT + timedelta(seconds=seconds)
