"""The loopback ports of the embedded servers: chosen once and kept in the data directory."""

import random
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from deploy.embedded.atomic_file import write_atomically
from deploy.errors import PortTaken

HOST = "127.0.0.1"
RANGE = range(20_000, 32_000)
"""Below the ephemeral ports: a client that reconnects cannot occupy a stopped server's port."""


def is_free(port: int) -> bool:
    """Whether a server could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def listens(port: int) -> bool:
    """Whether something accepts connections on the port."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def choose_ports(
    wanted: Mapping[str, int | None],
    kept: Mapping[str, int],
    free: Callable[[int], bool],
    candidates: Callable[[], int],
) -> dict[str, int]:
    """A port for each name of `wanted`: the one given there, else the one kept, else the first free candidate.

    A given port that is in use raises PortTaken; a kept one gives way.
    """
    chosen: dict[str, int] = {}
    for name, port in wanted.items():
        if port is None:
            continue
        if port in chosen.values():
            raise PortTaken(f"port {port} is asked for twice: --{name}-port must be another one")
        if not free(port):
            raise PortTaken(f"port {port} is in use: stop what holds it, or choose another with --{name}-port")
        chosen[name] = port
    for name in wanted:
        if name not in chosen:
            port = kept.get(name, 0) or candidates()
            while port in chosen.values() or not free(port):
                port = candidates()
            chosen[name] = port
    return chosen


def keep_ports(path: Path, wanted: Mapping[str, int | None]) -> tuple[dict[str, int], dict[str, int]]:
    """Choose against the ports kept in the file and write them there; the second result is those that had to change.

    Ports of names that are not wanted this time stay kept.
    """
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
    except (FileNotFoundError, msgspec.MsgspecError):
        kept = {}
    # From the system's random source: two platforms that start at the same moment must choose differently.
    chosen = choose_ports(wanted, kept, is_free, lambda: random.SystemRandom().choice(RANGE))
    write_atomically(path, msgspec.json.encode(kept | chosen))
    moved = {name: port for name, port in chosen.items() if wanted[name] is None and kept.get(name, port) != port}
    return chosen, moved
