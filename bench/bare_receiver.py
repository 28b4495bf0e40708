"""What the framework alone costs: a server that reads a body as JSON, and answers."""

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route


async def _answer(request: Request) -> Response:
    items = msgspec.json.decode(await request.body())["data"]
    results = [{"MaHoSo": each["MaHoSo"], "error_code": "0", "message": ""} for each in items]
    return Response(msgspec.json.encode({"error_code": "0", "result": results}), media_type="application/json")


app = Starlette(routes=[Route("/sync", _answer, methods=["POST"])])
"""The application."""
