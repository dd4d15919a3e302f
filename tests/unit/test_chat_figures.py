"""What a node counts of its flushes."""

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unavailable
from tests.fakes.chat import MemoryStreams, membership
from tests.fakes.chat_rig import SendRig

TALK, ANN, BOB = 100, 1, 2


class FigureTests(SynchronousTestCase):
    def setUp(self):
        self.streams = MemoryStreams(membership(TALK, ANN, BOB))
        self.rig = SendRig(self.streams)
        self.ann = self.rig.join(ANN)
        self.figures = self.rig.batcher.figures

    def test_messages_are_counted_by_what_became_of_them(self):
        for number in (1, 2, 3):
            self.rig.send(self.ann, TALK, number)
        self.rig.run()
        self.rig.send(self.ann, TALK, 1)
        self.rig.send(self.ann, TALK, 2, "another text under the same id")
        self.rig.run()
        self.assertEqual((self.figures.stored, self.figures.resent, self.figures.failed), (3, 1, 1))

    def test_each_flush_counts_once_with_its_size_and_its_time(self):
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        for number in (2, 3, 4):
            self.rig.send(self.ann, TALK, number)
        self.rig.clock.advance(0.3)
        self.streams.step()
        self.streams.step()
        self.assertEqual(self.figures.flush_messages.counts[:3], [1, 0, 1])
        self.assertEqual((sum(self.figures.flush_seconds.counts), round(self.figures.flush_seconds.total, 3)), (2, 0.3))

    def test_what_waits_behind_a_failure_counts_with_it(self):
        self.streams.hold()
        self.rig.send(self.ann, TALK, 1)
        self.rig.run()
        self.rig.send(self.ann, TALK, 2)
        self.streams.faults.append(Unavailable("away"))
        self.streams.step()
        self.rig.run()
        self.assertEqual((self.figures.stored, self.figures.failed), (0, 2))
        self.assertEqual(self.figures.flush_messages.total, 1)
