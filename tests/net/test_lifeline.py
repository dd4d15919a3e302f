"""A worker's lifeline on a real reactor: epoll tells the end of a pipe in its own way."""

import os

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorFDSet
from twisted.trial.unittest import TestCase
from zope.interface import implementer

from imchat.net.workers import Lifeline


@implementer(IReactorFDSet)
class Stoppable:
    """The reactor, but a stop is only noted."""

    def __init__(self):
        self.stopped = Deferred()
        self.triggers = []

    def __getattr__(self, name):
        return getattr(reactor, name)

    def addSystemEventTrigger(self, phase, event, function):
        self.triggers.append(function)

    def stop(self):
        self.stopped.callback(None)


class RealReactor(TestCase):
    def setUp(self):
        heard, heartbeat = os.pipe()
        lifeline, self.held = os.pipe()
        self.reactor = Stoppable()
        self.line = Lifeline(self.reactor, heartbeat, lifeline)
        self.line.start()
        for descriptor in (heard, heartbeat, lifeline):
            self.addCleanup(os.close, descriptor)
        self.addCleanup(self.line._beats.stop)

    async def test_a_parent_that_is_killed_ends_the_worker(self):
        os.close(self.held)
        await self.reactor.stopped.addTimeout(10, reactor)
        self.assertNotIn(self.line, reactor.getReaders())

    async def test_the_end_of_the_reactor_is_not_the_parents(self):
        for function in self.reactor.triggers:
            function()
        self.line.connectionLost(None)
        self.assertFalse(self.reactor.stopped.called)
        os.close(self.held)
