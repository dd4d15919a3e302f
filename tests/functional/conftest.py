"""Servers for the functional tests: real processes on free ports, ended whatever happens."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

from imchat.testing import Cluster, EmbeddedServer
from tests.functional import phones
from tests.functional.people import leave, whole
from tests.functional.relay import Relay


@pytest.fixture
def server(tmp_path):
    """A running embedded server with generous limits."""
    # Not pytest_twisted.async_fixture: it reaches into what pytest 9 has changed.
    running = EmbeddedServer(reactor, tmp_path / "data", settings=GENEROUS)
    pytest_twisted.blockon(ensureDeferred(running.start()))
    yield running
    pytest_twisted.blockon(ensureDeferred(running.kill()))


@pytest.fixture
def strict(tmp_path):
    """One as it is for a new user: only contacts write to each other."""
    settings = (*GENEROUS, "chat.contacts=required")
    running = EmbeddedServer(reactor, tmp_path / "data", settings=settings)
    pytest_twisted.blockon(ensureDeferred(running.start()))
    yield running
    pytest_twisted.blockon(ensureDeferred(running.kill()))


@pytest.fixture(scope="session")
def shared(tmp_path_factory):
    """One cluster for all tests that leave it as they found it, each with users of its own.

    Node a reaches Redis through a relay, ``shared.relay``.
    """
    running = Cluster(reactor, tmp_path_factory.mktemp("shared") / "cluster", settings=GENEROUS)
    running.relay = Relay(running.ports["redis"])

    async def start():
        await running.relay.open()
        running.chats["a"].command.append(f"--set=redis.endpoint=tcp:127.0.0.1:{running.relay.port}")
        await running.start()

    async def end():
        await running.relay.cut()
        await running.kill()

    try:
        pytest_twisted.blockon(ensureDeferred(start()))
        yield running
    finally:
        pytest_twisted.blockon(ensureDeferred(end()))


@pytest.fixture
def cluster(shared):
    """The shared cluster, whole."""
    pytest_twisted.blockon(ensureDeferred(whole(shared)))
    yield shared
    pytest_twisted.blockon(ensureDeferred(leave()))
    for name, child in shared.children.items():
        assert "Traceback" not in child.output, (name, child.output[-3000:])


@pytest.fixture(scope="session", params=["cluster", "embedded"])
def place(request, tmp_path_factory):
    """One server of each kind on which only contacts talk, for all tests that run on both."""
    # Here, not above: it needs the settings below.
    from tests.functional.sites import running

    yield from running(request.param, tmp_path_factory.mktemp("place"))


@pytest.fixture
def site(place):
    """That server, whole."""
    pytest_twisted.blockon(ensureDeferred(place.whole()))
    yield place
    pytest_twisted.blockon(ensureDeferred(phones.leave()))
    for name, child in place.children.items():
        assert "Traceback" not in child.output, (name, child.output[-3000:])


@pytest.fixture
def state_dir(tmp_path):
    """Where terminal users of one test keep their state."""
    path = tmp_path / "state"
    path.mkdir(mode=0o700)
    return path


# One test registers many users from one address, and mails one address twice.
GENEROUS = (
    "gate.codes_per_address.count=10000",
    "gate.registrations_per_address.count=10000",
    "gate.logins_per_address.count=10000",
    "gate.requests_per_address.count=100000",
    "verify.mail_interval=1",
    *(
        f"chat.{whose}.{kind}.count=100000"
        for whose in ("limits", "account_limits")
        for kind in ("frames", "messages", "acts", "reads", "lookups", "contacts", "marks")
    ),
)
