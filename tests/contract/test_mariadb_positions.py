"""Positions on MariaDB: nodes that write at the same time, and locks of others."""

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import blockingCallFromThread
from twisted.trial.unittest import TestCase

from imchat.domain.content import ReadPosition
from imchat.domain.conversations import Mark, Receipt
from tests.contract import mariadb
from tests.contract.own_states import CODEC, OwnStateCase
from tests.contract.stores import ANN, BOB, TALK
from tests.contract.test_sql import OnMariaDB

LOCK = "SELECT last_seq FROM head WHERE stream_id = ? FOR UPDATE"


class SharedTests(OnMariaDB, OwnStateCase, TestCase):
    async def test_a_private_stream_that_is_locked_holds_up_nobody_else(self):
        await self.say(3)
        settings = mariadb.shared_database()
        holder = mariadb.opened(self, settings)
        held, locked = Deferred(), Deferred()

        def hold(tx):
            tx.query(LOCK, (ANN,))
            reactor.callFromThread(locked.callback, None)
            blockingCallFromThread(reactor, lambda: held)

        holding = Deferred.fromCoroutine(holder.writer.run("hold", hold))
        # Whatever comes of it, the lock is let go: a test that fails must not hang.
        self.addCleanup(lambda: held.called or held.callback(None))
        await locked
        marked = await self.mark((ANN, TALK, 3), (BOB, TALK, 2))
        self.assertEqual((marked.refusals, marked.moved), (["unavailable", None], [Receipt(TALK, BOB, 2, 2)]))
        held.callback(None)
        await holding
        self.assertEqual((await self.mark((ANN, TALK, 3))).refusals, [None])

    async def test_two_nodes_mark_the_same(self):
        await self.say(40)
        other = mariadb.opened(self, mariadb.shared_database())

        async def node(database, start):
            for seq in range(start, 41, 2):
                marks = [Mark(user_id, TALK, seq) for user_id in (ANN, BOB)]
                refusals = ["unavailable", "unavailable"]
                while "unavailable" in refusals:
                    refusals = (await database.positions.mark_read(marks, self.announcer.begin())).refusals
                await database.positions.mark_delivered(marks)

        await gatherResults([Deferred.fromCoroutine(node(*one)) for one in ((self.stores, 1), (other, 2))])
        for user_id in (ANN, BOB):
            found = await self.one(user_id)
            self.assertEqual((found.read_seq, found.unread), (40, 0))
            events = (await self.read(user_id, user_id, after=0)).events
            notes = [CODEC.decode(event.kind, event.content) for event in events]
            self.assertEqual(notes, [ReadPosition(TALK, seq, seq) for seq in sorted(note.seq for note in notes)])
            self.assertEqual(notes[-1].seq, 40)
