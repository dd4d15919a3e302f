"""One private MariaDB and one private Redis per test process, started at the first use and ended with the process.

They are started outside the reactor: trial holds that a test leaves nothing in it.
"""

import atexit
import functools
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from imchat.testing import PrivateMariaDB, PrivateRedis

_SECONDS = 60


def _run(command: list[str], port: int, log: Path) -> subprocess.Popen:
    """Start a server and return when its port answers."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    atexit.register(_end, process)
    end = time.monotonic() + _SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"{command[0]} does not run:\n{log.read_text('utf-8', 'replace')[-2000:]}") from None
            time.sleep(0.05)


def _end(process: subprocess.Popen) -> None:
    process.kill()
    process.wait()


def _directory(name: str) -> Path:
    path = tempfile.mkdtemp(prefix=f"imchat-test-{name}-")
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return Path(path)


@functools.cache
def mariadb() -> PrivateMariaDB:
    """The running MariaDB of this test process: ``port``, ``user``, ``password``, ``database``."""
    server = PrivateMariaDB(None, _directory("mariadb"))
    server.initialise()
    _run(server.command, server.port, server.directory / "log")
    return server


@functools.cache
def redis() -> PrivateRedis:
    """The running Redis of this test process: ``port``."""
    server = PrivateRedis(None, _directory("redis"))
    _run(server.command, server.port, server.directory / "log")
    return server
