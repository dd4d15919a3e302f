"""An acknowledgement is written to the network only after its message was written to the disk and synced there.

Shown by counting: strace notes what the embedded server asks of the kernel.
"""

import re
import shutil

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred, gatherResults
from twisted.internet.task import deferLater

from imchat.client import Client, Credentials, Gate, MemoryState, Outside, SecureIds
from imchat.client.network import http_client, node_connector
from imchat.testing import EmbeddedServer, ServerFailed
from imchat.wire.codec import MAX_FRAME, decode
from imchat.wire.frames import FrameSplitter
from tests.faults.crowd import PASSWORD, create_people
from tests.functional import syscalls
from tests.functional.conftest import GENEROUS

SINGLE = 10
TOGETHER = 60

FRAME_HEADER = 24
"""Bytes before each page in SQLite's write-ahead log; the second four are 0 unless a transaction ends with the page."""


@pytest.fixture
def followed(tmp_path):
    """An embedded server that strace follows, and where strace writes."""
    if shutil.which("strace") is None:
        pytest.fail("strace is not installed: sh tests/install-packages --programs")
    output = tmp_path / "calls"
    server = EmbeddedServer(reactor, tmp_path / "data", settings=GENEROUS)
    server.command[:0] = syscalls.command(output)
    try:
        pytest_twisted.blockon(ensureDeferred(server.start()))
    except ServerFailed as error:
        pytest.fail(f"strace must be allowed to follow a process (in a container: --cap-add=SYS_PTRACE): {error}")
    yield server, output
    pytest_twisted.blockon(ensureDeferred(server.kill()))


async def talkers(server):
    """Two people in one conversation, connected."""
    people = await create_people(reactor, server.admin_socket, 2)
    clients = []
    for person in people:
        gate = Gate(server.url, http_client(reactor), reactor)
        client = Client(Outside(gate, node_connector(reactor), reactor, SecureIds(), MemoryState()))
        await client.start(Credentials(person.name, PASSWORD))
        clients.append(client)
    return clients, await clients[0].open_direct(people[1].id)


async def talk(server):
    """Let two people say things one by one and many at once.

    Returns:
        What was said, by its place in the conversation.
    """
    clients, conversation = await talkers(server)
    said = {}

    async def say(client, text):
        said[(await client.send(conversation, text)).seq] = text.encode()

    for number in range(SINGLE):
        await say(clients[number % 2], f"single {number:03d}.")
    many = [
        say(client, f"many {i}/{number:03d}.") for number in range(TOGETHER // 2) for i, client in enumerate(clients)
    ]
    await gatherResults([ensureDeferred(one) for one in many])
    for client in clients:
        await client.stop()
    return said


async def ended(server, output):
    """End the server, and wait until strace has written everything down."""
    pid = server.pid
    await server.stop()
    for _ in range(100):
        # Numbers of few digits are filled up with spaces.
        if re.search(rf"^{pid} +\+\+\+", output.read_text("latin-1"), re.MULTILINE):
            return
        await deferLater(reactor, 0.1)
    raise AssertionError("strace did not see the server's end")


def acknowledgements(calls, port):
    """Each ``Accepted`` that was written to a chat connection: its seq, and the call that wrote it."""
    splitters = {}
    for call in calls:
        if call.file.startswith(f"TCP:[127.0.0.1:{port}->"):
            splitter = splitters.setdefault(call.file, FrameSplitter(MAX_FRAME))
            for payload in splitter.feed(call.data[: call.result]):
                frame = decode(payload)
                if frame.HasField("accepted"):
                    yield frame.accepted.seq, call


def transaction_end(log, text):
    """The number of the line on which the first transaction with this text was wholly written to the log."""
    page = next(place for place, call in enumerate(log) if text in call.data)
    for header, content in zip(log[page - 1 :: 2], log[page::2], strict=False):
        assert len(header.data) == FRAME_HEADER
        if any(header.data[4:8]):
            return content.end
    raise AssertionError(f"the transaction with {text} has no end")


@pytest_twisted.ensureDeferred
async def test_the_log_is_synced_before_each_acknowledgement(followed):
    server, output = followed
    said = await talk(server)
    assert sorted(said) == list(range(1, SINGLE + TOGETHER + 1))
    await ended(server, output)
    calls = syscalls.calls(output)
    log = [call for call in calls if call.file.endswith("imchat.sqlite-wal")]
    writes = [call for call in log if call.name == "pwrite64" and len(call.data) != 32]  # the log's own header
    syncs = [call for call in log if call.name in syscalls.SYNCS and call.result == 0]
    told = list(acknowledgements(calls, server.chat_port))
    assert sorted(seq for seq, _ in told) == sorted(said)
    for seq, call in told:
        written = transaction_end(writes, said[seq])
        between = [sync for sync in syncs if written < sync.begin and sync.end < call.begin]
        assert between, f"message {seq} was acknowledged on line {call.begin}, written on {written} and not synced"
    # Each of those that were said one by one had to wait for a sync of its own.
    assert len(syncs) >= SINGLE
