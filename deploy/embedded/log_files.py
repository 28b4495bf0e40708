"""Log files of supervised processes: appended to by the process, bounded by the supervisor."""

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

LIMIT = 16 * 1024 * 1024
TAIL_BYTES = 16 * 1024


def bound_log(path: Path, limit: int = LIMIT) -> bool:
    """Move the content of a file past `limit` bytes to NAME.1 and empty it; whether it was moved.

    The process keeps writing to the same file, so it must have opened it for appending. Lines written in the moment
    between copy and emptying are lost: the price for a process that needs to know nothing of it. A disk without room
    for the copy loses the content instead: going on is worth more than an old log.
    """
    if not path.is_file() or path.stat().st_size <= limit:
        return False
    copy = path.with_name(f"{path.name}.1")
    try:
        shutil.copyfile(path, copy)
    except OSError:
        copy.unlink(missing_ok=True)
    os.truncate(path, 0)
    return True


def last_lines(path: Path, count: int, start: int = 0) -> tuple[str, ...]:
    """The last lines that are not blank, of what was written from byte `start` on; none when there is no such file."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            # A file shorter than `start` was emptied since: all of it is new.
            begin = max(size - TAIL_BYTES, start if start <= size else 0)
            file.seek(begin)
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())[-count:]


def telling_line(lines: tuple[str, ...]) -> str:
    """The line that most likely says why a process ended: the last one that is not part of a stack trace."""
    line = next((line for line in reversed(lines) if not line[0].isspace()), lines[-1].strip() if lines else "")
    return _as_text(line)


def _as_text(line: str) -> str:
    """A line of a JSON log as a person reads it; any other as it is."""
    try:
        told = msgspec.json.decode(line, type=dict[str, Any]) if line.startswith("{") else {}
    except msgspec.MsgspecError:
        told = {}
    if "message" not in told:
        return line
    rest = (f"{key}={value}" for key, value in told.items() if key not in ("message", "trace"))
    return " ".join([str(told["message"]), *rest])
