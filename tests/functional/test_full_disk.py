"""A disk that is full: sends are refused for the time being, the log says why once, and nothing is lost."""

import pytest_twisted
from twisted.internet import reactor

from imchat.client import Credentials, Gate
from imchat.client.network import http_client, node_connector
from tests.faults.crowd import PASSWORD, create_people
from tests.faults.device import Device, Totals
from tests.faults.disk import LimitedFiles
from tests.faults.recording import Answered, Recorder, Seen, read
from tests.redis import until


async def two_devices(server, path):
    """Two people who have a conversation."""
    totals, recorder = Totals(), Recorder(path)
    people = await create_people(reactor, server.admin_socket, 2)
    devices = []
    for person in people:
        gate = Gate(server.url, http_client(reactor), reactor)
        credentials = Credentials(person.name, PASSWORD)
        device = Device(reactor, gate, node_connector(reactor), recorder, totals, credentials, person.name)
        await device.switch_on()
        devices.append(device)
    return devices, totals, recorder, await devices[0].client.open_direct(people[1].id)


@pytest_twisted.ensureDeferred
async def test_a_full_disk_is_told_once_and_outlived(server, tmp_path):
    (one, two), totals, recorder, conversation = await two_devices(server, tmp_path / "record")
    pid, disk = server.pid, LimitedFiles(lambda: server.pid)
    one.say(conversation)
    await until(lambda: totals.acknowledged == 1, "the first message")
    before = len(server.output)
    disk.fill()
    for _ in range(5):
        one.say(conversation)
        two.say(conversation)
    # Each conversation of a session is refused again when it is tried again.
    await until(lambda: totals.refused["unavailable"] >= 20, "refusals")
    assert totals.acknowledged == 1
    said = [line for line in server.output[before:].splitlines() if "#debug" not in line]
    assert len(said) == 1 and "the database" in said[0] and disk.said in said[0], said
    disk.free()
    await until(lambda: totals.acknowledged == 11 and "serves again" in server.output[before:], "recovery")
    assert server.pid == pid and set(totals.refused) == {"unavailable"}
    await until(lambda: one.positions[conversation] == two.positions[conversation] == 11, "events")
    for device in (one, two):
        await device.switch_off()
    recorder.flush()
    lines = list(read([tmp_path / "record"]))
    stored = sorted((line.seq, line.client_id) for line in lines if isinstance(line, Answered))
    assert [seq for seq, _ in stored] == list(range(1, 12))
    for device in (one, two):
        seen = [
            (line.seq, line.client_id)
            for line in lines
            if isinstance(line, Seen) and line.device == device.label and line.conversation == conversation
        ]
        assert seen == stored
