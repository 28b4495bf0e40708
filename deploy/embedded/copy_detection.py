"""Which directory a file was written in: a copy of it, elsewhere, is not believed."""

import os
from pathlib import Path

import msgspec
from msgspec import Struct

from deploy.embedded.atomic_file import write_whole

HOME_FILE = "home.json"


class Place(Struct, frozen=True):
    """Where a running platform is: a directory, in one start of one machine, among the processes that it knows.

    A copy has another inode; process ids mean nothing after a restart, on another machine, or in another container.
    """

    device: int
    inode: int
    boot: str
    namespace: str


class Home(Struct, frozen=True):
    """Where a data directory is at home. It still is when it was moved, or restored to where it had been."""

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


def move_in(data: Path) -> str:
    """Make the directory its own home; where it came from when it is a copy, else nothing.

    Told apart by path or inode, not by both: a device may have another number after each start of the machine.
    """
    found, file = data.stat(), data / HOME_FILE
    home = Home(os.path.realpath(data), found.st_dev, found.st_ino)
    try:
        before = msgspec.json.decode(file.read_bytes(), type=Home)
    except (FileNotFoundError, msgspec.MsgspecError):
        before = home
    copied = before.path != home.path and (before.device, before.inode) != (home.device, home.inode)
    if copied:
        return before.path
    write_whole(file, msgspec.json.encode(home))
    return ""


def settle(data: Path) -> None:
    """Make a copy's new home its own, once it has given up what it shared with the original."""
    found = data.stat()
    write_whole(data / HOME_FILE, msgspec.json.encode(Home(os.path.realpath(data), found.st_dev, found.st_ino)))
