"""`python -m bench.receiver`: items a second into `dossier receive`, and how long answers take, beside the framework.

Two runs of each: as fast as answers come on some connections, and paced at a thousand items a second. The framework
alone decodes the same bodies and answers as much, and publishes nothing.
"""

import asyncio
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click
import msgspec
import psutil
from msgspec import Struct
from rich.console import Console
from rich.table import Table

from bench.command_options import command_of, data_option, out_options, write_result
from bench.deployment import Deployment
from bench.machine import Machine, this_machine
from bench.process_usage import usage
from cli.signals import stop_signals
from connectors.portal.access import digest_of

BATCH = 10
PACE = 1000
_CONNECTIONS = 16
_KEY = "the-key-of-a-benchmark"
_READY_SECONDS = 60.0


class Row(Struct, frozen=True):
    """One run: items a second, milliseconds until an answer, and CPU seconds of the server for a million items."""

    system: str
    run: str
    items: int
    items_per_second: int
    p50_ms: float
    p99_ms: float
    cpu_seconds_per_million: float


class Result(Struct, frozen=True):
    """The result file."""

    machine: Machine
    command: str
    rows: list[Row]


@click.command()
@click.option("--items", type=click.IntRange(1000), default=100_000, show_default=True, help="Items of a fast run.")
@click.option("--seconds", type=click.IntRange(1), default=20, show_default=True, help="Length of a paced run.")
@data_option("Where its own folder, bench-receiver, is made anew.")
@out_options("receiver")
def main(items: int, seconds: int, data: Path, out: Path) -> None:
    """Send dossiers in batches of ten to the receiver, and to the framework alone."""
    folder = data.absolute() / "bench-receiver"
    rows: list[Row] = []
    with stop_signals(lambda: None, lambda: None), ExitStack() as stack:
        shutil.rmtree(folder, ignore_errors=True)
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        deployment = stack.enter_context(Deployment(folder))
        with _served(_bare()) as server:
            rows += _measured("starlette + uvicorn alone", server, items, seconds)
        with _served(_ours(folder), deployment.environment) as server:
            rows += _measured("dossier receive", server, items, seconds)
    write_result(out, Result(this_machine(), command_of("bench.receiver"), rows))
    Console().print(_table(rows))


class Server(Struct, frozen=True):
    """A server that listens on this port of the loopback interface."""

    port: int
    process: psutil.Popen


def body(first: int) -> bytes:
    """A batch of dossiers as a system sends them, numbered from `first`."""
    dossiers = [
        {
            "MaHoSo": f"H26.17-260302-{number:07}",
            "MaTTHC": "1.000894",
            "TenTTHC": "Đăng ký kết hôn",
            "KenhThucHien": str(1 + number % 3),
            "ChuHoSo": "một tên",
            "Email": "",
            "NgayTiepNhan": "20260302080000",
            "NgayHenTra": "20260310170000",
            "TrangThaiHoSo": "9" if number % 2 else "4",
            "NgayTra": "20260309100000" if number % 2 else "",
            "NgayKetThucXuLy": "20260309090000" if number % 2 else "",
            "DonViXuLy": "",
            "TaiLieuNop": [{"TenTepDinhKem": "đơn.pdf", "DuocSoHoa": "1", "DuocTaiSuDung": "0"}] * 2,
            "DanhSachLePhi": [{"Gia": "20000"}],
            "DanhSachHoSoBoSung": [],
        }
        for number in range(first, first + BATCH)
    ]
    return msgspec.json.encode(
        {"service": "DongBoHoSoMC", "madonvi": "000.00.17.H26", "isUpdating": "True", "data": dossiers}
    )


async def send(port: int, items: int, pace: int | None) -> list[float]:
    """Send so many items, paced by items a second or as answers come; returns how long each answer took, in seconds.

    Paced requests are due at fixed times, and a late start counts into the time of an answer.
    """
    numbers = iter(range(0, items, BATCH))
    taken: list[float] = []
    begun = time.monotonic()

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for first in numbers:
            due = time.monotonic() if pace is None else begun + first / pace
            if (wait := due - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            content = body(first)
            head = (
                f"POST /sync HTTP/1.1\r\nHost: bench\r\nX-Api-Key: {_KEY}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(content)}\r\n\r\n"
            )
            writer.write(head.encode() + content)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ValueError(f"the server answers {answer!r}")
            size = int(answer.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            await reader.readexactly(size)
            taken.append(time.monotonic() - due)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(connection() for _ in range(_CONNECTIONS)))
    return taken


def _measured(system: str, server: Server, items: int, seconds: int) -> Iterator[Row]:
    asyncio.run(send(server.port, 1000, None))
    for run, count, pace in (("as fast as it answers", items, None), (f"{PACE:,} items/s", PACE * seconds, PACE)):
        click.echo(f"{system}: {run}", err=True)
        before, begun = usage(server.process.pid), time.monotonic()
        taken = sorted(asyncio.run(send(server.port, count, pace)))
        lasted = time.monotonic() - begun
        spent = usage(server.process.pid).cpu_seconds - before.cpu_seconds
        yield Row(
            system=system,
            run=run,
            items=count,
            items_per_second=round(count / lasted),
            p50_ms=round(taken[len(taken) // 2] * 1000, 1),
            p99_ms=round(taken[len(taken) * 99 // 100] * 1000, 1),
            cpu_seconds_per_million=round(spent / count * 1e6, 1),
        )


def _bare() -> list[str]:
    return [sys.executable, "-m", "uvicorn", "bench.bare_receiver:app", "--log-level", "warning", "--port"]


def _ours(folder: Path) -> list[str]:
    senders = folder / "senders.toml"
    senders.write_text(
        '[[senders]]\nusername = "bench"\nmadonvi = "000.00.17.H26"\nagencies = ["H26.17"]\n'
        f'items_per_second = 100000\napi_keys = ["{digest_of(_KEY)}"]\n'
    )
    return [sys.executable, "-m", "cli.main", "receive", "--senders", str(senders), "--listen"]


@contextmanager
def _served(command: list[str], environment: dict[str, str] | None = None) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    address = f"127.0.0.1:{port}" if command[-1] == "--listen" else str(port)
    with psutil.Popen([*command, address], env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + _READY_SECONDS
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise TimeoutError(f"{command} does not listen")
                time.sleep(0.1)
            yield Server(port, process)
        finally:
            process.kill()


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def _table(rows: list[Row]) -> Table:
    shown = Table(title="items into the receiver, in batches of ten")
    for place, heading in enumerate(("", "", "items/s", "p50 ms", "p99 ms", "CPU s per million")):
        shown.add_column(heading, justify="left" if place < 2 else "right")
    for row in rows:
        figures = (f"{row.p50_ms:.1f}", f"{row.p99_ms:.1f}", f"{row.cpu_seconds_per_million:.1f}")
        shown.add_row(row.system, row.run, f"{row.items_per_second:,}", *figures)
    return shown


if __name__ == "__main__":
    main()
