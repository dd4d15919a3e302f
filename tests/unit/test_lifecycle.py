"""The life of a server process, without a reactor."""

import gc

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from imchat.assemble.lifecycle import ServerService, Steps


class StartTests(SynchronousTestCase):
    def setUp(self):
        self.addCleanup(gc.unfreeze)
        gc.unfreeze()
        self.reactor = MemoryReactorClock()
        self.reactor.callWhenRunning = lambda function: function()

    def test_what_the_start_made_is_left_alone_by_the_collector_from_then_on(self):
        frozen = []

        async def look():
            frozen.append(gc.get_freeze_count())

        ServerService(self.reactor, Steps(opening=[look])).startService()
        self.assertEqual([0], frozen)
        self.assertGreater(gc.get_freeze_count(), 10_000)
