"""Log files of supervised processes: the process appends, the supervisor limits the size."""

import os
import shutil
from pathlib import Path
from typing import Any

import msgspec

LIMIT = 16 * 1024 * 1024
TAIL_BYTES = 16 * 1024


def bound_log(path: Path, limit: int = LIMIT) -> bool:
    """Copy a file of more than `limit` bytes to NAME.1 and truncate it; whether that was done.

    The process keeps writing to the same file, which it must have opened for appending. Lines written between copying
    and truncating are lost, since the process does not cooperate. Where the disk has no room for the copy, the content
    is lost: a full disk is worse than a missing log.
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
    """The last non-blank lines written from byte `start` on; none where there is no such file."""
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


def cause_line(lines: tuple[str, ...]) -> str:
    """The line most likely to say why a process ended: the last one outside a stack trace."""
    line = next((line for line in reversed(lines) if not line[0].isspace()), lines[-1].strip() if lines else "")
    return _as_text(line)


def _as_text(line: str) -> str:
    """The message of a JSON log line; any other line as it is."""
    try:
        fields = msgspec.json.decode(line, type=dict[str, Any]) if line.startswith("{") else {}
    except msgspec.MsgspecError:
        fields = {}
    if "message" not in fields:
        return line
    rest = (f"{key}={value}" for key, value in fields.items() if key not in ("message", "trace"))
    return " ".join([str(fields["message"]), *rest])
