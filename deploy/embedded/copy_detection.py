"""Tells a data directory from a copy of it: a state file that was written elsewhere is ignored."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from deploy.embedded.atomic_file import write_atomically

HOME_FILE = "home.json"


class Place(Struct, frozen=True):
    """Where a platform runs: a directory, one boot of one machine, and a namespace of process ids.

    A copy has another inode; process ids mean nothing after a reboot, on another machine, or in another container.
    """

    device: int
    inode: int
    boot: str
    namespace: str


class Home(Struct, frozen=True):
    """The path and inode of a data directory; one of them stays when it is moved, or restored to where it was."""

    path: str
    device: int
    inode: int


def place(data: Path) -> Place:
    """Where a directory is now; raises OSError where there is none."""
    found = data.stat()
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        boot = namespace = ""
    return Place(found.st_dev, found.st_ino, boot, namespace)


def original_of(data: Path) -> str:
    """The path of the directory that this one is a copy of; empty where it is no copy, and it is then its own home.

    It is a copy where both path and inode have changed: a device may have another number after each boot.
    """
    found, file = data.stat(), data / HOME_FILE
    home = Home(os.path.realpath(data), found.st_dev, found.st_ino)
    try:
        before = msgspec.json.decode(file.read_bytes(), type=Home)
    except (FileNotFoundError, msgspec.MsgspecError):
        before = home
    if before.path != home.path and (before.device, before.inode) != (home.device, home.inode):
        return before.path
    write_atomically(file, msgspec.json.encode(home))
    return ""


def adopt(data: Path) -> None:
    """Make a copy its own home, once it no longer shares ports and secrets with the original."""
    found = data.stat()
    write_atomically(data / HOME_FILE, msgspec.json.encode(Home(os.path.realpath(data), found.st_dev, found.st_ino)))
