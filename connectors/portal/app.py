"""The HTTP server of the receiver: bounded bodies, answers with their headers, a log without content."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any, get_args

from msgspec import json
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.portal.answers import Answer, Failure
from connectors.portal.openapi import document
from connectors.portal.receiver import Call, Done, Receiver, decode_body
from connectors.portal.translation import Service

log = logging.getLogger(__name__)

Answered = Callable[[str, int, int, int, float], None]
"""Told of every answer: service, status, items, how many of them were put aside, and seconds."""
_Handle = Callable[[Call, Request], Awaitable[Done]]
_SERVICES = frozenset(
    {"login", "DongBoHoSoMC", "CapNhatTienDoHoSoMC", "TraCuuHoSo", "LayThuTuc", "LayDanhSachTTHC", "LayDanhMucCoQuan"}
)
_SECRET_LENGTH = 500


def make_app(receiver: Receiver, answered: Answered = lambda *_: None) -> Starlette:
    """The application; it answers everything with one JSON object."""
    shell = _Shell(receiver, answered)
    routes = [
        Route("/login", shell.endpoint(lambda call, _: receiver.login(call)), methods=["POST"]),
        Route("/sync", shell.endpoint(lambda call, _: receiver.sync(call)), methods=["POST"]),
        *(
            Route(f"/SynsTTHCC/{service}", shell.endpoint(_older(receiver, service)), methods=["POST"])
            for service in get_args(Service)
        ),
        Route("/openapi.json", _openapi, methods=["GET"]),
    ]
    handlers: Any = {HTTPException: _http_error}
    return Starlette(routes=routes, exception_handlers=handlers)


def _older(receiver: Receiver, service: Service) -> _Handle:
    def handle(call: Call, request: Request) -> Awaitable[Done]:
        query = request.query_params
        return receiver.older(service, call, query.get("MaDinhDanhDV", ""), query.get("isUpdating", ""))

    return handle


class _Shell:
    """What every endpoint has around it; `_open` requests are being answered."""

    def __init__(self, receiver: Receiver, answered: Answered) -> None:
        self._receiver = receiver
        self._limits = receiver.limits
        self._answered = answered
        self._open = 0

    def endpoint(self, handle: _Handle) -> Callable[[Request], Awaitable[Response]]:
        """An endpoint that lets `handle` answer."""

        async def endpoint(request: Request) -> Response:
            begun, size = time.monotonic(), 0
            self._open += 1
            try:
                if self._open > self._limits.requests:
                    raise Failure(503, "too many requests at once", 1)
                content = await self._body(request)
                size = len(content)
                done = await handle(_call(request, content), request)
            except Failure as failure:
                done = Done(failure.answer, failure.sender, failure.service)
            finally:
                self._open -= 1
            self._log(done, size, time.monotonic() - begun)
            return _response(done.answer)

        return endpoint

    async def _body(self, request: Request) -> bytes:
        most = self._limits.body
        try:
            declared = int(request.headers.get("content-length", "0"))
        except ValueError as error:
            raise Failure(400, "Content-Length is no number") from error
        if declared > most:
            raise Failure(413, f"the body is larger than {most} bytes")
        parts: list[bytes] = []
        left = most
        try:
            async with asyncio.timeout(self._limits.seconds):
                async for part in request.stream():
                    parts.append(part)
                    left -= len(part)
                    if left < 0:
                        raise Failure(413, f"the body is larger than {most} bytes")
        except TimeoutError as error:
            raise Failure(408, "the body took too long") from error
        except ClientDisconnect as error:
            raise Failure(400, "the client left") from error
        return b"".join(parts)

    def _log(self, done: Done, size: int, seconds: float) -> None:
        service = done.service if done.service in _SERVICES else ""
        status = done.answer.status
        self._answered(service, status, done.items, done.rejects, seconds)
        extra = {
            "sender": done.sender,
            "service": service,
            "status": status,
            "items": done.items,
            "rejects": done.rejects,
            "bytes": size,
            "seconds": round(seconds, 4),
        }
        log.info("answered", extra=extra)


def _call(request: Request, content: bytes) -> Call:
    headers = request.headers
    key, timestamp, signature = (
        headers.get(name, "")[:_SECRET_LENGTH] for name in ("x-api-key", "x-timestamp", "x-signature")
    )
    address = request.client.host if request.client else ""
    return Call(decode_body(content), content, address, key, timestamp, signature)


def _response(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store"}
    if answer.retry_after:
        headers["Retry-After"] = str(answer.retry_after)
    return Response(json.encode(answer.content), answer.status, headers, "application/json")


async def _http_error(_request: Request, error: HTTPException) -> Response:
    text = "no such address" if error.status_code == 404 else "no such method here"
    response = _response(Answer(error.status_code, {"error_code": str(error.status_code), "message": text}))
    response.headers.update(error.headers or {})
    return response


async def _openapi(_request: Request) -> Response:
    return _response(Answer(200, document()))
