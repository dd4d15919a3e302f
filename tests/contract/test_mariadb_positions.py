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

CID, OTHER = 3001, TALK + 1
READERS = ((ANN, TALK), (BOB, OTHER))
"""Who reads what somebody else says: one's own messages move one's position by themselves."""

LOCK = "SELECT last_seq FROM head WHERE stream_id = ? FOR UPDATE"


class SharedTests(OnMariaDB, OwnStateCase, TestCase):
    async def say_to_bob(self, count):
        """Somebody else talks to Bob, in a conversation of theirs."""
        await self.add_user(CID, "cid")
        await self.open_direct(BOB, CID, OTHER)
        await self.say(count, CID, OTHER)

    async def test_a_private_stream_that_is_locked_holds_up_nobody_else(self):
        await self.say(3)
        await self.say_to_bob(2)
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
        marked = await self.mark((ANN, TALK, 3), (BOB, OTHER, 2))
        self.assertEqual((marked.refusals, marked.moved), (["unavailable", None], [Receipt(OTHER, BOB, 2, 2)]))
        held.callback(None)
        await holding
        self.assertEqual((await self.mark((ANN, TALK, 3))).refusals, [None])

    async def test_two_nodes_mark_the_same(self):
        await self.say(40)
        await self.say_to_bob(40)
        other = mariadb.opened(self, mariadb.shared_database())

        async def node(database, start):
            for seq in range(start, 41, 2):
                marks = [Mark(user_id, talk, seq) for user_id, talk in READERS]
                refusals = ["unavailable", "unavailable"]
                while "unavailable" in refusals:
                    refusals = (await database.positions.mark_read(marks, self.announcer.begin())).refusals
                await database.positions.mark_delivered(marks)

        await gatherResults([Deferred.fromCoroutine(node(*one)) for one in ((self.stores, 1), (other, 2))])
        for user_id, talk in READERS:
            found = await self.one(user_id, talk)
            self.assertEqual((found.read_seq, found.unread), (40, 0))
            events = (await self.read(user_id, user_id, after=0)).events
            found_notes = (CODEC.decode(event.kind, event.content) for event in events)
            notes = [note for note in found_notes if isinstance(note, ReadPosition)]
            self.assertEqual(notes, [ReadPosition(talk, seq, seq) for seq in sorted(note.seq for note in notes)])
            self.assertEqual(notes[-1].seq, 40)
