"""Two nodes on one MariaDB: one sequence, one answer, and nothing stored under a membership that is over."""

import random
import threading

from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.threads import deferToThread

from imchat.domain.models import Refused, Stored
from imchat.store.mysql import migrate
from tests.contract.stores import ANN, BOB, allow, device, draft, token
from tests.contract.test_mariadb import STREAMS, MariaDBCase

COLUMNS = "user_id, name, name_key, email, email_key, password_hash, created_ms"


class TwoNodesTests(MariaDBCase):
    def setUp(self):
        super().setUp()
        self.other = self.open()

    async def outcomes(self, database, drafts, permit=allow):
        return (await database.streams.flush(drafts, permit)).outcomes

    def check_streams(self):
        """Every stream is dense, each event counted once, and its head says so."""
        for stream_id in STREAMS:
            rows = self.administer(
                f"SELECT seq, ordinal, created_ms FROM event WHERE stream_id = {stream_id} ORDER BY seq"
            )
            numbers = list(range(1, len(rows) + 1))
            self.assertEqual([row[0] for row in rows], numbers)
            self.assertEqual([row[1] for row in rows], numbers)
            times = [row[2] for row in rows]
            self.assertEqual(times, sorted(times))
            ((last_seq, counted),) = self.administer(
                f"SELECT last_seq, counted FROM head WHERE stream_id = {stream_id}"
            )
            self.assertEqual((last_seq, counted), (len(rows), len(rows)))

    async def test_overlapping_flushes_of_two_nodes_share_dense_sequences(self):
        chance = random.Random(7)

        async def node(database, name):
            seen = {stream_id: 0 for stream_id in STREAMS}
            for batch in range(40):
                drafts = [draft(chance.choice(STREAMS), ANN, (name, batch, n)) for n in range(chance.randint(1, 12))]
                for outcome in await self.outcomes(database, drafts):
                    self.assertIsInstance(outcome, Stored)
                    self.assertFalse(outcome.resent)
                    # A node's own messages keep their order, whatever the other does between.
                    self.assertGreater(outcome.event.seq, seen[outcome.event.stream_id])
                    seen[outcome.event.stream_id] = outcome.event.seq
            return seen

        await gatherResults(
            [Deferred.fromCoroutine(node(*args)) for args in ((self.database, "one"), (self.other, "two"))]
        )
        self.check_streams()

    async def test_what_is_seen_of_a_stream_never_has_a_hole(self):
        self.administer(f"INSERT INTO period VALUES (11, {ANN}, 1, NULL)")
        done = []

        async def write(database, name):
            for batch in range(30):
                await self.outcomes(database, [draft(11, ANN, (name, batch, n)) for n in range(5)])

        async def look():
            while not done:
                found = await self.database.streams.read(11, ANN, after=0, before=None, limit=500, max_bytes=10**6)
                self.assertEqual([event.seq for event in found.events], list(range(1, found.last_seq + 1)))

        looking = Deferred.fromCoroutine(look())
        await gatherResults(
            [Deferred.fromCoroutine(write(*args)) for args in ((self.database, "one"), (self.other, "two"))]
        )
        done.append(True)
        await looking

    async def test_a_resend_to_another_node_gets_the_first_answer(self):
        drafts = [draft(stream_id, ANN, n) for n in range(3) for stream_id in STREAMS]
        first = await self.outcomes(self.database, drafts)
        again = await self.outcomes(self.other, [*drafts, draft(11, ANN, "new"), draft(11, ANN, 1, b"other")])
        self.assertEqual(again[: len(drafts)], [Stored(outcome.event, resent=True) for outcome in first])
        self.assertEqual((again[-2].event.seq, again[-1]), (4, Refused("conflict")))

    async def test_the_same_messages_through_both_nodes_at_once_are_stored_once(self):
        chance = random.Random(3)
        for round_number in range(10):
            drafts = [draft(stream_id, ANN, (round_number, n)) for n in range(5) for stream_id in STREAMS]
            calls = []
            for database in (self.database, self.other):
                chance.shuffle(drafts)
                calls.append((list(drafts), Deferred.fromCoroutine(self.outcomes(database, list(drafts)))))
            answers = [dict(zip(given, await call, strict=True)) for given, call in calls]
            for one in drafts:
                both = [answer[one] for answer in answers]
                self.assertEqual(both[0].event, both[1].event)
                self.assertEqual(sorted(outcome.resent for outcome in both), [False, True])
        self.check_streams()

    async def test_a_change_of_the_membership_is_seen_under_the_lock(self):
        self.administer("INSERT INTO conversation VALUES (11, 2, 0)", f"INSERT INTO period VALUES (11, {ANN}, 1, NULL)")
        self.administer(f"INSERT INTO member VALUES (11, {ANN}, 0)")
        holding, go_on = threading.Event(), threading.Event()

        def leave(tx):
            tx.query("SELECT last_seq FROM head WHERE stream_id = 11 FOR UPDATE")
            holding.set()
            go_on.wait(10)
            tx.execute("DELETE FROM member WHERE conversation_id = 11")
            tx.execute("UPDATE period SET to_seq = 0 WHERE conversation_id = 11")
            tx.execute("UPDATE head SET member_version = 1 WHERE stream_id = 11")

        def permit(draft, membership):
            return None if draft.sender_id in membership.members else "forbidden"

        leaving = Deferred.fromCoroutine(self.other.writer.run("test", leave))
        await deferToThread(holding.wait, 10)
        sent = Deferred.fromCoroutine(self.outcomes(self.database, [draft(11, ANN, 1), draft(12, ANN, 1)], permit))
        go_on.set()
        await leaving
        outcomes = await sent
        self.assertEqual((outcomes[0], outcomes[1].event.seq), (Refused("forbidden"), 1))

    async def test_two_openings_from_both_sides_make_one_conversation(self):
        for user_id, name in ((ANN, "ann"), (BOB, "bob")):
            self.administer(
                f"INSERT INTO account ({COLUMNS}) VALUES ({user_id}, '{name}', '{name}', '{name}', '{name}', 'h', 0)"
            )
            self.administer(f"INSERT INTO head VALUES ({user_id}, 0, 0, 0, 0, 0)")

        async def opened(database, pair, number):
            drafts = [draft(user_id, 0, number, kind=64) for user_id in pair]
            return await database.conversations.open_direct(*pair, number, drafts, 1)

        calls = [
            Deferred.fromCoroutine(opened(database, pair, 5_000 + n))
            for n, (database, pair) in enumerate([(self.database, (ANN, BOB)), (self.other, (BOB, ANN))] * 4)
        ]
        found = await gatherResults(calls)
        self.assertEqual(len({one.conversation_id for one in found}), 1)
        self.assertEqual(sum(one.created for one in found), 1)
        self.assertEqual(self.administer(f"SELECT last_seq FROM head WHERE stream_id = {ANN}"), ((1,),))

    async def test_log_outs_that_meet_logins_of_the_device_never_end_the_new_session(self):
        self.administer(
            f"INSERT INTO account ({COLUMNS}) VALUES ({ANN}, 'a', 'a', 'a', 'a', 'h', 0)",
            f"INSERT INTO head VALUES ({ANN}, 0, 0, 0, 0, 0)",
        )
        for number in range(1, 30):
            await self.database.sessions.open(ANN, device(), token(number), number)
            farewell = draft(ANN, 0, number, b"bye", 65)
            ended = Deferred.fromCoroutine(self.database.sessions.end(ANN, ["phone"], farewell, token(number)))
            opened = Deferred.fromCoroutine(self.other.sessions.open(ANN, device(), token(number + 1), number))
            await gatherResults([ended, opened])
            self.assertIsNotNone(await self.database.sessions.by_token(token(number + 1), number))

    async def test_a_migration_while_nodes_serve_changes_nothing_for_them(self):
        calls = [Deferred.fromCoroutine(self.outcomes(self.database, [draft(11, ANN, n)])) for n in range(20)]
        migrated = await deferToThread(migrate, self.settings)
        await gatherResults(calls)
        self.assertEqual(migrated.before, migrated.after)
        self.check_streams()
