"""A small file system for a server's data, which can be filled to the last byte and emptied again."""

import errno
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self


class NotPermitted(Exception):
    """Mounting a file system is not permitted: run as root, or leave out the scenarios that need it."""


class SmallDisk:
    """A file system in memory at `folder` within its block; raises NotPermitted where it cannot be mounted."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._folder = folder
        self._ballast = folder / "ballast"
        self._megabytes = megabytes

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        options = f"size={self._megabytes}m"
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self._folder)],  # noqa: S607  # wherever it lies
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise NotPermitted(done.stderr.strip())
        return self

    def __exit__(self, *_: object) -> None:
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True)  # noqa: S607  # wherever it lies

    @contextmanager
    def filled(self) -> Iterator[None]:
        """The file system is full inside the block; bytes that a server frees are available to it again."""
        block = bytes(1 << 20)
        with self._ballast.open("wb", buffering=0) as ballast:
            while block:
                try:
                    ballast.write(block)
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    block = block[: len(block) // 2]
        try:
            yield
        finally:
            with suppress(FileNotFoundError):
                self._ballast.unlink()
