"""The lock of a data directory: one platform has it, from its start to its end."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.embedded.private_directory import make_private
from deploy.embedded.progress import Progress
from deploy.errors import AlreadyRuns

LOCK = "platform.lock"


@contextmanager
def locked(data: Path, progress: Progress) -> Iterator[None]:
    """Lock the data directory for this process, and make it private; raises AlreadyRuns or UnusableData."""
    if make_private(data):
        progress.say(f"{data} was open to other users of this machine; now only its owner can enter it")
    with (data / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyRuns(f"a platform runs in {data} already: `dossier down --data {data}` stops it") from None
        yield


def is_locked(data: Path) -> bool:
    """Whether a process has locked this data directory, even one whose state cannot be read here."""
    try:
        with (data / LOCK).open() as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
