"""The embedded server as an operator meets it: starting, stopping, and what it says when it cannot start."""

import os
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
import pytest_twisted
import treq
from twisted.internet import reactor
from twisted.internet.threads import deferToThread

from imchat.testing import EmbeddedServer, free_port

TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]


def twistd(*arguments: str, cwd: Path, timeout: float = 30) -> subprocess.CompletedProcess:
    """Run twistd to its end."""
    return subprocess.run([*TWISTD, *arguments], cwd=cwd, capture_output=True, text=True, timeout=timeout, check=False)


def endpoints(http: int | None = None, chat: int | None = None) -> list[str]:
    """Options that put the server on free ports."""
    return [
        f"--http=tcp:{http or free_port()}:interface=127.0.0.1",
        f"--chat=tcp:{chat or free_port()}:interface=127.0.0.1",
    ]


async def refuse(tmp_path: Path, *options: str, daemon: bool) -> str:
    """Start a server that cannot start; hold that it says so in one line, exits with 1 and leaves no pid file."""
    mode = ["--pidfile=refused.pid", "--logfile=refused.log"] if daemon else ["--nodaemon", "--pidfile=refused.pid"]
    result = await deferToThread(twistd, *mode, "imchat", *options, cwd=tmp_path)
    said = result.stderr.strip().splitlines()
    assert result.returncode == 1, result
    assert len(said) == 1, result.stderr
    assert "Traceback" not in result.stdout + result.stderr
    assert not (tmp_path / "refused.pid").exists()
    return said[0]


both_modes = pytest.mark.parametrize("daemon", [False, True], ids=["foreground", "daemon"])


@pytest_twisted.ensureDeferred
async def test_it_says_where_everything_is_and_answers(server):
    for text in (str(server.http_port), str(server.chat_port), str(server.directory), "outbox"):
        assert text in server.output
    assert (await treq.get(server.url + "/healthz")).code == 200
    assert (await treq.get(server.url + "/readyz")).code == 200
    assert stat.S_IMODE(server.directory.stat().st_mode) == 0o700
    database = next(server.directory.glob("*.sqlite*"))
    assert stat.S_IMODE(database.stat().st_mode) == 0o600


@pytest_twisted.ensureDeferred
async def test_sigterm_ends_it_in_order(server):
    # twistd hands the signal on to itself when all is done, as the manner of UNIX is.
    assert await server.stop() == -1
    assert server.output.rstrip().endswith("Server Shut Down.")
    assert "imchat has ended" in server.output and "Traceback" not in server.output
    assert not server.admin_socket.exists()


@both_modes
@pytest_twisted.ensureDeferred
async def test_a_port_in_use(tmp_path, daemon):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        port = taken.getsockname()[1]
        line = await refuse(tmp_path, *endpoints(http=port), daemon=daemon)
        assert str(port) in line and "gate.listen" in line
        line = await refuse(tmp_path, *endpoints(chat=port), daemon=daemon)
        assert str(port) in line and "chat.listen" in line


@both_modes
@pytest_twisted.ensureDeferred
async def test_a_directory_that_cannot_be_written(tmp_path, daemon):
    # Root may write everywhere, so the test takes a place where nobody can make a directory.
    line = await refuse(tmp_path, *endpoints(), "--data=/proc/imchat-data", daemon=daemon)
    assert "/proc/imchat-data" in line and "--data" in line


@both_modes
@pytest_twisted.ensureDeferred
async def test_a_second_server_on_the_same_data(tmp_path, server, daemon):
    line = await refuse(tmp_path, *endpoints(), f"--data={server.directory}", daemon=daemon)
    assert str(server.pid) in line and "--data" in line
    assert (await treq.get(server.url + "/readyz")).code == 200


@both_modes
@pytest_twisted.ensureDeferred
async def test_a_schema_that_is_too_new(tmp_path, server, daemon):
    await server.stop()
    database = next(server.directory.glob("*.sqlite"))
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    line = await refuse(tmp_path, *endpoints(), f"--data={server.directory}", daemon=daemon)
    assert "9999" in line and "upgrade imchat" in line


@both_modes
@pytest_twisted.ensureDeferred
async def test_a_wrong_configuration(tmp_path, daemon):
    (tmp_path / "imchat.toml").write_text('[gate]\nlisten = "tcp:8080"\nmaxbody = 3\n')
    line = await refuse(tmp_path, "--config=imchat.toml", daemon=daemon)
    assert "gate.maxbody" in line and "imchat.toml" in line


@both_modes
@pytest_twisted.ensureDeferred
async def test_a_wildcard_listener_without_an_address_for_clients(tmp_path, daemon):
    line = await refuse(tmp_path, *endpoints()[:1], f"--chat=tcp:{free_port()}", daemon=daemon)
    assert "chat.advertise" in line


@pytest_twisted.ensureDeferred
async def test_the_daemon_runs_and_ends(tmp_path):
    http = free_port()
    started = await deferToThread(twistd, "--pidfile=imchat.pid", "imchat", *endpoints(http=http), cwd=tmp_path)
    assert started.returncode == 0, started.stderr
    pid = int((tmp_path / "imchat.pid").read_text())
    try:
        await until_answering(f"http://127.0.0.1:{http}/readyz")
        line = await refuse(tmp_path, *endpoints(), daemon=False)
        assert f"process {pid}" in line
    finally:
        os.kill(pid, signal.SIGTERM)
    await deferToThread(wait_until_gone, tmp_path / "imchat.pid")
    assert "Traceback" not in (tmp_path / "twistd.log").read_text()


async def until_answering(url: str, seconds: float = 20) -> None:
    """Return when a URL answers 200."""
    end = time.monotonic() + seconds
    while True:
        try:
            if (await treq.get(url)).code == 200:
                return
        except OSError as error:
            assert time.monotonic() < end, error
        except Exception as error:  # treq wraps connection failures in several classes
            assert time.monotonic() < end, error
        await deferToThread(time.sleep, 0.1)


def wait_until_gone(path: Path, seconds: float = 20) -> None:
    """Return when a file does not exist any more."""
    end = time.monotonic() + seconds
    while path.exists():
        assert time.monotonic() < end, f"{path} is still there"
        time.sleep(0.05)


@pytest_twisted.ensureDeferred
async def test_a_start_after_a_power_cut_finds_everything(tmp_path):
    server = EmbeddedServer(reactor, tmp_path / "data")
    try:
        await server.start()
        user = {"name": "alice", "email": "alice@example.org", "password": "correct horse battery staple"}
        ask = {"purpose": "registration", "email": user["email"]}
        assert (await treq.post(server.url + "/v1/verification-codes", json=ask)).code == 202
        user["code"] = server.code_for(user["email"])
        assert (await treq.post(server.url + "/v1/users", json=user)).code == 201
        await server.kill()
        await server.start()
        login = {"login": "ALICE", "password": user["password"], "device_id": "d1"}
        login |= {"device_name": "desk", "platform": "linux"}
        answer = await treq.post(server.url + "/v1/logins", json=login)
        assert answer.code == 200
        assert (await answer.json())["nodes"] == [{"host": "127.0.0.1", "port": server.chat_port, "tls": False}]
    finally:
        await server.kill()


@pytest.mark.parametrize("name", ["imchat-gate", "imchat-verify", "imchat-status", "imchat-chat"])
def test_single_servers_explain_their_options(tmp_path, name):
    shown = twistd(name, "--help", cwd=tmp_path)
    assert shown.returncode == 0
    assert "--config" in shown.stdout and "--set" in shown.stdout
