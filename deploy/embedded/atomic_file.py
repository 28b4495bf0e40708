"""Files that are there whole or not at all, and that nobody else reads."""

import os
from pathlib import Path


def write_whole(path: Path, content: bytes) -> None:
    """Write so that a reader, or a start after a crash, sees the old content or the new one and nothing between.

    Only the owner may read the file, from its first byte on.
    """
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
