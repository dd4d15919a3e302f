"""What an operator meets: one line for what is missing at the start, and daemons that keep apart on one machine."""

import contextlib
import os
import signal

import pytest
import pytest_twisted
from twisted.internet.threads import deferToThread

from imchat.testing import free_port
from tests.functional.people import couple, until
from tests.functional.test_embedded import twistd, wait_until_gone

KINDS = ("verify", "status", "chat", "gate")
both_modes = pytest.mark.parametrize("daemon", [False, True], ids=["foreground", "daemon"])


async def refused(tmp_path, cluster, kind, *options, daemon):
    """Start a server that cannot start; return its one line."""
    mode = [] if daemon else ["--nodaemon"]
    result = await deferToThread(twistd, *mode, f"imchat-{kind}", f"--config={cluster.config}", *options, cwd=tmp_path)
    lines = (result.stderr + result.stdout).strip().splitlines()
    assert result.returncode == 1, result
    assert len(lines) == 1 and not list(tmp_path.glob("*.pid")), (lines, list(tmp_path.iterdir()))
    return lines[0]


@both_modes
@pytest_twisted.ensureDeferred
async def test_a_database_that_is_away_at_the_start_is_one_line(cluster, tmp_path, daemon):
    port = free_port()
    for kind in ("status", "chat", "gate"):
        options = [f"--set=database.port={port}", f"--set=server.data_dir={tmp_path}/data", "--node=x"]
        options += [f"--set={kind}.listen=tcp:{free_port()}:interface=127.0.0.1"]
        line = await refused(tmp_path, cluster, kind, *options, daemon=daemon)
        assert line.startswith(f"imchat-{kind}: database") and f"127.0.0.1:{port}" in line, line


@both_modes
@pytest_twisted.ensureDeferred
async def test_a_node_that_listens_everywhere_must_say_where_clients_find_it(cluster, tmp_path, daemon):
    for listen in (f"tcp:{free_port()}", f"tcp:{free_port()}:interface=0.0.0.0", f"unix:{tmp_path}/chat.sock"):
        line = await refused(tmp_path, cluster, "chat", "--node=x", f"--listen={listen}", daemon=daemon)
        assert "chat.advertise" in line and "HOST:PORT" in line, line


@pytest_twisted.ensureDeferred
async def test_a_second_server_of_each_kind_runs_beside_the_first_as_a_daemon(cluster, tmp_path):
    ann, bob, talk = await couple(cluster)
    pids = {}
    try:
        for kind in KINDS:
            for node in ("one", "two"):
                socket = f"unix:{tmp_path}/{kind}-{node}.sock"
                listen = socket if kind in ("verify", "status") else f"tcp:{free_port()}:interface=127.0.0.1"
                options = [f"--config={cluster.config}", f"--node={node}", f"--listen={listen}"]
                started = await deferToThread(twistd, f"imchat-{kind}", *options, cwd=tmp_path)
                assert started.returncode == 0, started.stderr
                pids[kind, node] = int((tmp_path / f"imchat-{kind}-{node}.pid").read_text())
        assert len(set(pids.values())) == 8
        for kind, node in pids:
            log = tmp_path / f"imchat-{kind}-{node}.log"
            await until(lambda log=log: log.exists() and "imchat is ready" in log.read_text(), what=str(log))
        await until(lambda: all(f"chat node {node} is up" in cluster.status.output for node in ("one", "two")))
        ann.say(talk, "beside")
        await bob.until_shown("beside")
    finally:
        for pid in pids.values():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        for kind, node in pids:
            await deferToThread(wait_until_gone, tmp_path / f"imchat-{kind}-{node}.pid")
    for kind, node in pids:
        log = (tmp_path / f"imchat-{kind}-{node}.log").read_text()
        assert "imchat has ended" in log and "Traceback" not in log, log
    assert not (tmp_path / "twistd.log").exists() and not (tmp_path / "twistd.pid").exists()
    await ann.stop()
    await bob.stop()
