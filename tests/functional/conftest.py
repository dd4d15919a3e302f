"""Servers for the functional tests: real processes on free ports, ended whatever happens."""

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import ensureDeferred

from imchat.testing import EmbeddedServer


@pytest.fixture
def server(tmp_path):
    """A running embedded server with generous limits."""
    # Not pytest_twisted.async_fixture: it reaches into what pytest 9 has changed.
    running = EmbeddedServer(reactor, tmp_path / "data", settings=GENEROUS)
    pytest_twisted.blockon(ensureDeferred(running.start()))
    yield running
    pytest_twisted.blockon(ensureDeferred(running.kill()))


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
    "chat.messages_per_session.count=100000",
    "chat.requests_per_session.count=100000",
)
