"""A private MariaDB and a private Redis as child processes, on loopback, each with a directory of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from imchat.testing.processes import Child, ServerFailed, free_port

_PROGRAM_DIRECTORIES = ("/usr/sbin", "/usr/local/sbin", "/usr/libexec")


def find_program(*names: str) -> str:
    """The path of the first of these programs that is installed.

    Raises:
        ServerFailed: none is; the message says so.
    """
    path = os.pathsep.join([os.defpath, *_PROGRAM_DIRECTORIES])
    for name in names:
        found = shutil.which(name) or shutil.which(name, path=path)
        if found:
            return found
    raise ServerFailed(f"{names[0]} is not installed: install the packages mariadb-server and redis-server")


class PrivateMariaDB(Child):
    """A MariaDB of one's own, durable as imchat demands, with one account and one empty database.

    Args:
        reactor: A reactor that can start processes.
        directory: Its data; made and initialised at the first start, found again at the next.
        port: TCP port; by default a free one, kept over restarts of this object.
    """

    user = "imchat"
    password = "private"  # noqa: S105 - it listens on loopback and lives as long as the test or demonstration
    database = "imchat"

    def __init__(self, reactor: Any, directory: Path, port: int | None = None) -> None:
        self.directory = directory.absolute()
        self.port = port or free_port()
        command = [
            find_program("mariadbd", "mysqld"),
            "--no-defaults",
            f"--datadir={self.directory / 'data'}",
            f"--tmpdir={self._temporary}",
            f"--socket={self.directory / 'mariadb.sock'}",
            f"--pid-file={self.directory / 'mariadb.pid'}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--user={getpass.getuser()}",
            "--innodb-flush-log-at-trx-commit=1",
            "--innodb-buffer-pool-size=64M",
            "--character-set-server=utf8mb4",
            "--collation-server=utf8mb4_bin",
            f"--init-file={self.directory / 'init.sql'}",
        ]
        super().__init__(reactor, command, "ready for connections")

    @property
    def _temporary(self) -> Path:
        # Each server that starts removes temporary tables from its directory: also those of others that share it.
        return self.directory / "tmp"

    def initialise(self) -> None:
        """Make the data directory and the account where they are missing. Blocks for some seconds the first time."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._temporary.mkdir(mode=0o700, exist_ok=True)
        (self.directory / "init.sql").write_text(
            f"CREATE DATABASE IF NOT EXISTS {self.database};\n"
            f"CREATE USER IF NOT EXISTS '{self.user}'@'127.0.0.1' IDENTIFIED BY '{self.password}';\n"
            f"CREATE USER IF NOT EXISTS '{self.user}'@'localhost' IDENTIFIED BY '{self.password}';\n"
            f"GRANT ALL ON *.* TO '{self.user}'@'127.0.0.1';\n"
            f"GRANT ALL ON *.* TO '{self.user}'@'localhost';\n"
        )
        if not (self.directory / "data" / "mysql").is_dir():
            install = [find_program("mariadb-install-db", "mysql_install_db"), "--no-defaults"]
            install += [f"--datadir={self.directory / 'data'}", f"--tmpdir={self._temporary}"]
            install += [f"--user={getpass.getuser()}"]
            install += ["--auth-root-authentication-method=normal", "--skip-test-db"]
            made = subprocess.run(install, check=False, capture_output=True, text=True)  # noqa: S603 - our own words
            if made.returncode:
                raise ServerFailed(f"{install[0]} failed:\n{made.stdout[-1_000:]}{made.stderr[-1_000:]}")

    async def start(self, timeout: float = 60.0) -> None:
        """Start it and return when it takes connections; see :meth:`Child.start`."""
        self.initialise()
        await super().start(timeout)


class PrivateRedis(Child):
    """A Redis of one's own.

    Args:
        reactor: A reactor that can start processes.
        directory: Its working directory.
        port: TCP port; by default a free one, kept over restarts of this object.
    """

    def __init__(self, reactor: Any, directory: Path, port: int | None = None) -> None:
        self.directory = directory.absolute()
        self.port = port or free_port()
        command = [find_program("redis-server"), "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--dir", str(self.directory), "--save", "", "--appendonly", "no"]
        super().__init__(reactor, command, "Ready to accept connections")

    async def start(self, timeout: float = 30.0) -> None:
        """Start it and return when it takes connections; see :meth:`Child.start`."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        await super().start(timeout)
