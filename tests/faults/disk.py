"""A disk that can be full: a small file system in memory where we may mount one, else a limit on the size of files."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

SIZE_MIB = 192
_BLOCK = 1 << 20
_LIMIT = 1_024


class Disk(Protocol):
    """Where a server's data is.

    Attributes:
        means: How it becomes full, for the report.
        said: What the server's log says of it then.
    """

    means: str
    said: str

    def fill(self) -> None:
        """From now on nothing more can be written."""

    def free(self) -> None:
        """There is space again."""

    def close(self) -> None:
        """Leave nothing behind but the data, which stays where it was. The server has ended."""


class SmallDisk:
    """A file system of its own in memory.

    Args:
        path: Where it is mounted.

    Raises:
        OSError: this process may not mount.
    """

    means = f"a tmpfs of {SIZE_MIB} MiB is filled"
    said = "has no space left on its disk"

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True)
        self._path = path
        self._ballast = path / "ballast"
        command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE_MIB}m,mode=700", "imchat-faults", str(path)]
        try:
            done = subprocess.run(command, check=False, capture_output=True, text=True)
        except FileNotFoundError as error:
            raise OSError("there is no mount program") from error
        if done.returncode:
            raise OSError(done.stderr.strip())

    def fill(self) -> None:
        """Write until nothing more fits."""
        block = bytes(_BLOCK)
        with self._ballast.open("ab", buffering=0) as file:
            for size in (_BLOCK, 4_096):
                try:
                    while True:
                        file.write(block[:size])
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink(missing_ok=True)

    def close(self) -> None:
        """Unmount it, and put what it held in its place: whoever looks for what went wrong needs it."""
        self.free()
        kept = self._path.with_name(f"{self._path.name}.kept")
        try:
            # Neither sockets nor their locks, which are links to nowhere, can be copied.
            shutil.copytree(self._path, kept, symlinks=True, ignore=shutil.ignore_patterns("*.sock", "*.sock.lock"))
        finally:
            subprocess.run(["umount", "--lazy", str(self._path)], check=False, capture_output=True)
        shutil.copytree(kept, self._path, dirs_exist_ok=True)
        shutil.rmtree(kept)


class LimitedFiles:
    """No file of the server's process may grow beyond a limit: its kernel answers EFBIG then.

    Args:
        pid: Returns the server's process id.
    """

    means = "the size of the server's files is limited (nothing can be mounted here)"
    said = "fails (disk I/O error"

    def __init__(self, pid: Callable[[], int | None]) -> None:
        self._pid = pid

    def fill(self) -> None:
        """Limit it. Python ignores SIGXFSZ, so that the server gets an error."""
        self._limit(_LIMIT)

    def free(self) -> None:
        """Limit it no more."""
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, size: int) -> None:
        pid = self._pid()
        if pid is not None:
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

    def close(self) -> None:
        """Nothing is left behind."""


def make_disk(path: Path, pid: Callable[[], int | None]) -> Disk:
    """The better kind, mounted at ``path``, where this process may; else the other in an ordinary directory."""
    try:
        return SmallDisk(path)
    except OSError:
        path.mkdir(parents=True, exist_ok=True)
        os.chmod(path, 0o700)
        return LimitedFiles(pid)
