"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
import subprocess
import time
from pathlib import Path
from typing import Any

from bench.figures import percentile
from imchat.testing.databases import find_program

_SYNCS = 200


def _version(*names: str) -> str:
    done = subprocess.run([find_program(*names), "--version"], check=False, capture_output=True, text=True)
    found = re.search(r"\d+\.\d+\.\d+(-MariaDB)?", done.stdout)
    return found[0] if found else "unknown"


def _cpu() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def fdatasync_ms(directory: Path) -> float:
    """The median time in which a small write below a directory is on disk, in ms."""
    path, times = directory / "fdatasync", []
    with path.open("wb", buffering=0) as file:
        for _ in range(_SYNCS):
            file.write(bytes(512))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
    path.unlink()
    return round(percentile(sorted(times), 0.5) * 1_000, 3)


def describe(directory: Path) -> dict[str, Any]:
    """The machine, for the record; ``directory`` is where the databases will be."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": _cpu(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "mariadb": "MariaDB " + _version("mariadbd", "mysqld").removesuffix("-MariaDB"),
        "redis": "Redis " + _version("redis-server"),
        "fdatasync_ms": fdatasync_ms(directory),
        "load": round(os.getloadavg()[0], 2),
    }
