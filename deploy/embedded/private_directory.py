"""Directories that only their owner can enter."""

import os
import stat
from pathlib import Path

from deploy.errors import UnusableData


def make_private(folder: Path) -> bool:
    """Make a directory, or change an existing one, so that nobody else can enter it; whether it was open to others.

    Raises UnusableData for a directory of another user, who could read and change whatever is put there.
    """
    if folder.exists() and not folder.is_dir():
        raise UnusableData(f"{folder} is not a directory: name another one with --data")
    # Never open to others, not even for a moment.
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except FileNotFoundError:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        found = os.fstat(handle)
        if found.st_uid != os.geteuid():
            raise UnusableData(f"{folder} belongs to {_user(found.st_uid)}: be that user, or use another --data")
        was_open = bool(stat.S_IMODE(found.st_mode) & 0o077)
        if was_open:
            os.fchmod(handle, 0o700)
        return was_open
    finally:
        os.close(handle)


def _user(uid: int) -> str:
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
