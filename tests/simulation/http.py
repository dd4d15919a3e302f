"""HTTP from simulated processes: the client library's own, but for the one thing in it that needs the real reactor."""

from __future__ import annotations

from twisted.internet.defer import Deferred, succeed
from twisted.web.client import FileBodyProducer
from twisted.web.iweb import UNKNOWN_LENGTH, IAgent, IBodyProducer
from zope.interface import implementer

from imchat.client.network import http_client
from tests.simulation.process import SimulatedProcess


@implementer(IBodyProducer)
class _Whole:
    """A body that is sent in one piece."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.length = len(data)

    def startProducing(self, consumer) -> Deferred[None]:
        consumer.write(self._data)
        return succeed(None)

    def pauseProducing(self) -> None:
        pass

    def resumeProducing(self) -> None:
        pass

    def stopProducing(self) -> None:
        pass


@implementer(IAgent)
class _Agent:
    """Sends bodies without the global cooperator, which only runs with the global reactor."""

    def __init__(self, agent) -> None:
        self._agent = agent

    def request(self, method, uri, headers=None, bodyProducer=None):
        if isinstance(bodyProducer, FileBodyProducer) and bodyProducer.length is not UNKNOWN_LENGTH:
            bodyProducer = _Whole(bodyProducer._inputFile.read())
        return self._agent.request(method, uri, headers, bodyProducer)


def simulated_http(process: SimulatedProcess):
    """The treq client of a process."""
    http = http_client(process)
    http._agent = _Agent(http._agent)
    return http
