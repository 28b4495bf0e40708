"""The HTTP application: a request is checked, mapped and acknowledged once the inbox has it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from connectors.inbox.put_aside import put_aside_line
from connectors.publishing.kafka_transport import Transport
from connectors.webhook.hooks import Hook
from connectors.webhook.signature import SIGNATURE, TIMESTAMP, NotSigned, signed_at
from schemas.envelope import Decoded, encode, encode_event
from schemas.partition import partition_of

log = logging.getLogger(__name__)

MAX_BODY = 512 * 1024
"""The events of a body must fit into records of 1 MiB."""
AT_ONCE = 32
"""Requests that wait for Kafka at a time; more are asked to come again."""
RETRY_SECONDS = "2"
_KAFKA_SECONDS = 20.0
_UNREADABLE = frozenset({"empty", "malformed", "too_many_lines"})
"""Reasons that are about a body as a whole: its sender still has it, and is told."""


class Refused(Exception):
    """A request is answered with this status, and changes nothing."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def make_app(
    hooks: Mapping[str, Hook], inbox: Transport, now: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> Starlette:
    """The application, which puts what it is sent into the inbox."""
    waiting = 0

    async def called(request: Request) -> JSONResponse:
        nonlocal waiting
        try:
            if waiting >= AT_ONCE:
                raise Refused(503, "too many requests wait")
            waiting += 1
            try:
                return await _receive(request, hooks, inbox, now)
            finally:
                waiting -= 1
        except Refused as error:
            retry = {"Retry-After": RETRY_SECONDS} if error.status == 503 else {}
            return JSONResponse({"error": str(error)}, error.status, retry)

    async def ready(_: Request) -> JSONResponse:
        return JSONResponse({"state": "receiving"})

    return Starlette(
        routes=[
            Route("/hook/{name}", called, methods=["POST"]),
            Route("/health", ready, methods=["GET"]),
            Route("/ready", ready, methods=["GET"]),
        ]
    )


async def _receive(
    request: Request, hooks: Mapping[str, Hook], inbox: Transport, now: Callable[[], datetime]
) -> JSONResponse:
    hook = hooks.get(request.path_params["name"])
    body = await _body(request)
    at = _signed_at(hook, request, body, now())
    if hook is None:
        raise Refused(401, "the request is not signed for this hook")
    # As of the time that is signed: whoever sends a request again says nothing newer.
    decoded = await asyncio.to_thread(hook.read, body, at)
    if any(each.reason in _UNREADABLE for each in decoded.rejections):
        raise Refused(400, decoded.rejections[0].detail)
    try:
        async with asyncio.timeout(_KAFKA_SECONDS):
            await asyncio.gather(*[_acknowledged(inbox, *each) for each in records(decoded, inbox.partitions)])
    except Exception as error:  # whatever the transport raises, nothing is acknowledged
        log.warning("the inbox did not take a request, its sender is asked to repeat it: %s", type(error).__name__)
        raise Refused(503, "the inbox does not answer: send it again") from error
    put_aside = [{"item": each.line, "field": each.field, "reason": each.detail} for each in decoded.rejections]
    return JSONResponse({"events": len(decoded.events), "put_aside": put_aside}, 202)


def _signed_at(hook: Hook | None, request: Request, body: bytes, now: datetime) -> datetime:
    """When the request was signed; an unknown hook is refused as a wrong signature is."""
    try:
        secrets = hook.secrets if hook else ()
        return signed_at(secrets, request.headers.get(TIMESTAMP, ""), request.headers.get(SIGNATURE, ""), body, now)
    except NotSigned as error:
        raise Refused(401, str(error)) from error


def records(decoded: Decoded, partitions: int) -> list[tuple[int, bytes]]:
    """The records of the inbox: events by their dossier's partition, then what is put aside, each a line."""
    lines: dict[int, list[bytes]] = {}
    for _, event in decoded.events:
        lines.setdefault(partition_of(event.dossier, partitions), []).append(encode_event(event))
    if decoded.rejections:
        lines.setdefault(0, []).extend(put_aside_line(each) for each in decoded.rejections)
    return [(partition, encode(each)) for partition, some in lines.items() for each in _parts(some)]


def _parts(lines: Sequence[bytes]) -> list[list[bytes]]:
    """The lines in parts that fit into a record."""
    parts: list[list[bytes]] = []
    size = MAX_BODY
    for line in lines:
        size += len(line) + 1
        if size > MAX_BODY or len(parts[-1]) == 1000:
            parts.append([])
            size = len(line) + 1
        parts[-1].append(line)
    return parts


async def _acknowledged(inbox: Transport, partition: int, value: bytes) -> None:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[None] = loop.create_future()

    def settle(error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(None)
        else:
            done.set_exception(error)

    def on_done(error: Exception | None) -> None:
        loop.call_soon_threadsafe(settle, error)

    await asyncio.to_thread(inbox.send, partition, value, on_done)
    await done


async def _body(request: Request) -> bytes:
    """The body; raises Refused as soon as it is too long, whatever its headers say."""
    parts: list[bytes] = []
    size = 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > MAX_BODY:
                raise Refused(413, f"the body has more than {MAX_BODY} bytes: send fewer items at once")
            parts.append(part)
    except ClientDisconnect as error:
        raise Refused(400, "the body is not whole") from error
    return b"".join(parts)
