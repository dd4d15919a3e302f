"""What an operator meets: one line for what is missing at the start, and daemons that keep apart on one machine."""

import contextlib
import os
import signal
from pathlib import Path

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


@pytest_twisted.ensureDeferred
async def test_workers_of_daemons_have_one_pid_file_and_end_with_their_parent(cluster, tmp_path):
    parents, children = {}, []
    try:
        for kind in ("chat", "gate"):
            listen = f"tcp:{free_port()}:interface=127.0.0.1"
            options = [f"--config={cluster.config}", "--node=many", f"--listen={listen}", f"--set={kind}.workers=2"]
            started = await deferToThread(twistd, f"imchat-{kind}", *options, cwd=tmp_path)
            assert started.returncode == 0, started.stderr
            parents[kind] = int((tmp_path / f"imchat-{kind}-many.pid").read_text())
        for kind, pid in parents.items():
            log = tmp_path / f"imchat-{kind}-many.log"
            await until(lambda log=log: log.exists() and log.read_text().count("imchat is ready") == 3, what=str(log))
            children += [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
        assert len(children) == 4
        assert sorted(path.name for path in tmp_path.glob("*.pid")) == ["imchat-chat-many.pid", "imchat-gate-many.pid"]
        await until(lambda: all(f"chat node many.{number} is up" in cluster.status.output for number in (1, 2)))
        os.kill(parents["chat"], signal.SIGTERM)
        # A parent that cannot say good-bye any more takes its workers with it all the same.
        os.kill(parents["gate"], signal.SIGKILL)
        await until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))
        await deferToThread(wait_until_gone, tmp_path / "imchat-chat-many.pid")
    finally:
        for pid in (*parents.values(), *children):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
