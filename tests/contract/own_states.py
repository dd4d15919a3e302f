"""The contract of OwnStateStore and PositionStore."""

from imchat.domain.announcing import Announcer
from imchat.domain.content import ConversationState, MessagesDeleted, ReadPosition, Text
from imchat.domain.conversations import MAX_DELETED, Mark, Receipt, Selection, StateChange
from imchat.domain.errors import InvalidRequest
from imchat.domain.messages import Edited
from imchat.domain.models import SYSTEM_SENDER, ConversationKind, EventState, Reaction
from imchat.net.content import WireContentCodec
from tests.contract.stores import ADDED, ANN, BOB, CAT, TALK, StoreContract, draft
from tests.fakes.ids import SeededIds

CODEC = WireContentCodec()


class OwnStateCase(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()
        await self.open_direct()
        self.announcer = Announcer(CODEC, SeededIds(3).client_id)

    async def say(self, count=1, sender_id=BOB, conversation_id=TALK):
        for _ in range(count):
            self.said = getattr(self, "said", 0) + 1
            content = CODEC.encode(Text(f"m{self.said}"))
            await self.flush(draft(conversation_id, sender_id, self.said, content))

    async def talks(self, count):
        """Ann's conversations TALK + 1 .. TALK + count with peers 3000 .., the last one newest, an event in each."""
        for n in range(1, count + 1):
            await self.add_user(3000 + n, f"peer{n}")
            await self.open_direct(ANN, 3000 + n, TALK + n)
            self.elapse(1_000)
            await self.say(1, 3000 + n, TALK + n)

    async def listed(self, user_id=ANN, cursor=None, limit=100, **selection):
        return await self.stores.own_states.conversations(user_id, Selection(**selection), cursor, limit)

    async def ids(self, **arguments):
        return [one.head.stream_id for one in (await self.listed(**arguments))[0]]

    async def one(self, user_id=ANN, conversation_id=TALK):
        (found,), _ = await self.listed(user_id, ids=(conversation_id,))
        return found

    async def set_state(self, user_id=ANN, conversation_id=TALK, **change):
        change = StateChange(**change)
        announce = self.announcer.begin()
        return await self.stores.own_states.set_state(user_id, conversation_id, change, announce, self.now_ms())

    async def delete(self, *seqs, through_seq=0, user_id=ANN, conversation_id=TALK):
        announce = self.announcer.begin()
        return await self.stores.own_states.delete(user_id, conversation_id, seqs, through_seq, announce)

    async def mark(self, *marks):
        return await self.stores.positions.mark_read([Mark(*mark) for mark in marks], self.announcer.begin())

    async def deliver(self, *marks):
        return await self.stores.positions.mark_delivered([Mark(*mark) for mark in marks])

    async def receipts(self, user_id=ANN, conversation_id=TALK):
        return await self.stores.positions.receipts(user_id, conversation_id)

    async def notes(self, user_id=ANN):
        """What stands in a private stream."""
        found = await self.read(user_id, user_id, after=0)
        return [CODEC.decode(event.kind, event.content) for event in found.events]


class ConversationListContract(OwnStateCase):
    async def test_what_is_told_of_a_conversation(self):
        await self.say(2)
        found = await self.one()
        self.assertEqual((found.head, found.kind), (await self.head(), ConversationKind.DIRECT))
        self.assertEqual((found.member_ids, found.title, found.avatar), ((BOB,), "Bob", ""))
        self.assertEqual((found.unread, found.mentioned, found.read_seq), (2, False, 0))
        self.assertEqual(found.state, ConversationState(TALK))
        self.assertEqual((found.newest.seq, found.newest.sender_id), (2, BOB))
        self.assertEqual(CODEC.decode(1, found.newest.content), Text("m2"))

    async def test_the_newest_first_page_by_page(self):
        await self.talks(5)
        self.elapse(1_000)
        await self.say()
        expected = [TALK, *(TALK + n for n in (5, 4, 3, 2, 1))]
        for limit in (1, 2, 3, 5, 6, 7):
            found, cursor = [], None
            while True:
                page, cursor = await self.listed(cursor=cursor, limit=limit)
                self.assertLessEqual(len(page), limit)
                found += [one.head.stream_id for one in page]
                if cursor is None:
                    break
            self.assertEqual(found, expected)

    async def test_equal_times_are_told_once_each(self):
        await self.talks(4)
        await self.sql("UPDATE head SET last_ms = 5 WHERE stream_id > ?", TALK)
        page, cursor = await self.listed(limit=3)
        rest, _ = await self.listed(cursor=cursor, limit=3)
        self.assertEqual([one.head.stream_id for one in page + rest], [TALK + 4, TALK + 3, TALK + 2, TALK + 1])

    async def test_a_page_costs_the_same_statements_however_long_it_is(self):
        await self.talks(2)
        counts = []
        for limit in (1, 2):
            statements = []
            run = self.stores.reader.run

            async def counting(name, work, statements=statements, run=run):
                def counted(tx):
                    query = tx.query
                    tx.query = lambda *arguments: (statements.append(arguments[0]), query(*arguments))[1]
                    return work(tx)

                return await run(name, counted)

            self.stores.reader.run = counting
            await self.listed(limit=limit)
            self.stores.reader.run = run
            counts.append(len(statements))
        self.assertEqual(counts[0], counts[1])
        self.assertLess(counts[0], 8)

    async def test_one_without_an_event_is_listed_only_where_it_is_asked_for_or_pinned(self):
        self.assertEqual(await self.ids(), [])
        self.assertEqual(await self.ids(ids=(TALK,)), [TALK])
        await self.set_state(pinned=True)
        self.assertEqual(await self.ids(), [TALK])

    async def test_others_conversations_are_told_to_nobody(self):
        await self.say()
        self.assertEqual(await self.ids(user_id=CAT), [])
        self.assertEqual(await self.ids(user_id=CAT, ids=(TALK, ANN, 0, -1, 2**64 - 1)), [])
        await self.sql("UPDATE period SET to_seq = 1 WHERE user_id = ?", BOB)
        await self.sql("DELETE FROM member WHERE user_id = ?", BOB)
        self.assertEqual(await self.ids(user_id=BOB), [])

    async def test_pinned_ones_alone(self):
        await self.talks(3)
        await self.set_state(conversation_id=TALK + 2, pinned=True)
        self.assertEqual(await self.ids(pinned=True), [TALK + 2])
        self.assertEqual(await self.ids(user_id=3002, pinned=True), [])

    async def test_a_hidden_one_comes_back_with_the_next_message(self):
        await self.say()
        await self.set_state(hidden=True)
        self.assertEqual(await self.ids(), [])
        self.assertEqual(await self.ids(hidden=True), [TALK])
        self.assertEqual(await self.ids(user_id=BOB), [TALK])
        await self.flush(draft(TALK, 0, "line", kind=96))
        self.assertEqual(await self.ids(), [])
        await self.say()
        self.assertEqual(await self.ids(), [TALK])

    async def test_the_title_is_how_one_calls_the_other(self):
        await self.sql("UPDATE account SET nickname = 'Bobby', avatar = 'picture' WHERE user_id = ?", BOB)
        self.assertEqual(((await self.one()).title, (await self.one()).avatar), ("Bobby", "picture"))
        contact = "INSERT INTO contact VALUES (?, ?, 1, 0, 'my Bob', '', 0, 0)"
        await self.sql(contact, ANN, BOB)
        await self.sql(contact, BOB, CAT)
        self.assertEqual((await self.one()).title, "my Bob")
        await self.sql("DELETE FROM contact WHERE user_id = ?", ANN)
        await self.sql(contact, CAT, BOB)
        self.assertEqual((await self.one()).title, "Bobby")
        self.assertEqual((await self.one(BOB)).title, "Ann")

    async def test_mentioned_until_it_is_read(self):
        await self.say(3)
        await self.sql("INSERT INTO reading (conversation_id, user_id, mention_seq) VALUES (?, ?, 2)", TALK, ANN)
        self.assertTrue((await self.one()).mentioned)
        await self.mark((ANN, TALK, 1))
        self.assertTrue((await self.one()).mentioned)
        await self.mark((ANN, TALK, 2))
        self.assertFalse((await self.one()).mentioned)

    async def test_the_newest_message_as_it_stands_now_with_its_reactions(self):
        await self.say(2)
        await self.sql("UPDATE event SET changed_seq = 3, state = 1 WHERE stream_id = ? AND seq = 2", TALK)
        for seq, user_id in ((2, ANN), (2, BOB), (1, BOB)):
            await self.sql("INSERT INTO reaction VALUES (?, ?, ?, ?)", TALK, seq, "👍".encode(), user_id)
        newest = (await self.one()).newest
        self.assertEqual((newest.changed_seq, newest.state), (3, EventState.EDITED))
        self.assertEqual(newest.reactions, (Reaction("👍", 2, True),))
        await self.sql("DELETE FROM reaction WHERE user_id = ?", ANN)
        self.assertEqual((await self.one()).newest.reactions, (Reaction("👍", 1, False),))

    async def test_the_newest_message_is_a_reply_also_when_it_was_edited(self):
        await self.say()
        await self.flush(draft(TALK, BOB, "reply", CODEC.encode(Text("m")), target=1))
        edit = CODEC.encode(Edited(2))
        await self.flush(draft(TALK, BOB, "e", edit, Edited.kind, target=2, replacement=CODEC.encode(Text("n"))))
        newest = (await self.one()).newest
        self.assertEqual((newest.seq, newest.content, newest.target_seq), (2, CODEC.encode(Text("n")), 1))

    async def test_a_newest_message_that_one_deleted_is_not_shown(self):
        await self.say(2)
        await self.delete(1)
        self.assertEqual((await self.one()).newest.seq, 2)
        await self.delete(2)
        self.assertIsNone((await self.one()).newest)
        self.assertEqual((await self.one(BOB)).newest.seq, 2)

    async def test_nor_one_up_to_which_all_was_deleted(self):
        await self.say(2)
        await self.delete(through_seq=2)
        self.assertIsNone((await self.one()).newest)
        await self.say()
        self.assertEqual((await self.one()).newest.seq, 3)

    async def test_what_was_before_one_joined_is_not_shown(self):
        await self.say(2)
        await self.sql("UPDATE period SET from_seq = 3 WHERE user_id = ?", ANN)
        self.assertIsNone((await self.one()).newest)

    async def test_many_at_once(self):
        await self.talks(70)
        page, _ = await self.listed()
        self.assertEqual(len(page), 70)
        for one in page:
            number = one.head.stream_id - TALK
            self.assertEqual((one.title, one.newest.sender_id, one.unread), (f"Peer{number}", 3000 + number, 1))

    async def test_a_forged_cursor_is_harmless(self):
        await self.say()
        self.assertEqual(await self.listed(cursor=(-(2**70), -(2**70))), ([], None))
        self.assertEqual(len((await self.listed(cursor=(2**64 - 1, 2**64 - 1)))[0]), 1)


class OwnStateContract(OwnStateCase):
    async def test_a_change_is_told_as_it_is_then(self):
        await self.say()
        pinned_ms = self.now_ms()
        (event,) = await self.set_state(pinned=True)
        self.assertEqual((event.stream_id, event.seq, event.sender_id), (ANN, 1, 0))
        self.elapse(10)
        await self.set_state(muted=True)
        await self.set_state(pinned=True, hidden=True)
        expected = [
            ConversationState(TALK, pinned_ms),
            ConversationState(TALK, pinned_ms, True),
            ConversationState(TALK, pinned_ms, True, 1),
        ]
        self.assertEqual(await self.notes(), expected)
        self.assertEqual((await self.one()).state, expected[-1])
        self.assertEqual(await self.notes(BOB), [])
        self.assertEqual((await self.one(BOB)).state, ConversationState(TALK))

    async def test_nothing_is_told_where_nothing_changes(self):
        await self.say()
        self.assertEqual(await self.set_state(pinned=False, muted=False, hidden=False), ())
        self.assertEqual(await self.set_state(), ())
        await self.set_state(pinned=True, muted=True, hidden=True)
        self.elapse(10)
        self.assertEqual(await self.set_state(pinned=True, muted=True, hidden=True), ())
        self.assertEqual(len(await self.notes()), 1)

    async def test_and_back(self):
        await self.say()
        await self.set_state(pinned=True, muted=True, hidden=True)
        await self.set_state(pinned=False, muted=False, hidden=False)
        self.assertEqual((await self.one()).state, ConversationState(TALK))

    async def test_a_state_leaves_positions_alone(self):
        await self.say(2)
        await self.mark((ANN, TALK, 2))
        await self.set_state(pinned=True)
        self.assertEqual(((await self.one()).read_seq, (await self.one()).unread), (2, 0))

    async def test_a_call_that_comes_again_finds_what_the_first_one_told(self):
        await self.say(2)
        store, now_ms = self.stores.own_states, self.now_ms()
        pin, delete, clear = (self.announcer.begin() for _ in range(3))
        calls = (
            lambda: store.set_state(ANN, TALK, StateChange(pinned=True), pin, now_ms),
            lambda: store.delete(ANN, TALK, (1,), 0, delete),
            lambda: store.delete(ANN, TALK, (), 2, clear),
        )
        for call in calls:
            first = await call()
            self.assertEqual((len(first), await call()), (1, first))
        self.assertEqual(len(await self.notes()), 3)

    async def test_strangers_and_unknown_ones(self):
        await self.say()
        for user_id, conversation_id in ((CAT, TALK), (ANN, 4711), (ANN, ANN), (ANN, 0), (ANN, 2**64 - 1)):
            self.assertIsNone(await self.set_state(user_id, conversation_id, pinned=True))
            self.assertIsNone(await self.delete(1, user_id=user_id, conversation_id=conversation_id))
        # Bob's is there because he spoke.
        self.assertEqual(await self.rows("SELECT user_id FROM reading"), [(BOB,)])
        self.assertEqual(await self.rows("SELECT user_id FROM deletion"), [])

    async def test_a_deletion_is_told_once(self):
        await self.say(5)
        await self.delete(2, 4, 2)
        self.assertEqual(await self.delete(4), ())
        await self.delete(5, 4)
        self.assertEqual(await self.notes(), [MessagesDeleted(TALK, (2, 4)), MessagesDeleted(TALK, (5,))])
        rows = await self.rows(
            "SELECT seq FROM deletion WHERE user_id = ? AND conversation_id = ? ORDER BY seq", ANN, TALK
        )
        self.assertEqual([row[0] for row in rows], [2, 4, 5])
        self.assertEqual(await self.notes(BOB), [])

    async def test_all_up_to_one(self):
        await self.say(5)
        await self.delete(2, 5)
        await self.delete(through_seq=4)
        self.assertEqual(await self.delete(through_seq=3), ())
        self.assertEqual(await self.delete(1, 4), ())
        self.assertEqual((await self.notes())[1:], [MessagesDeleted(TALK, (), 4)])
        self.assertEqual((await self.one()).state.cleared_seq, 4)
        rows = await self.rows("SELECT seq FROM deletion WHERE user_id = ?", ANN)
        self.assertEqual([row[0] for row in rows], [5])

    async def test_what_was_deleted_unread_is_unread_until_it_is_read(self):
        await self.say(3)
        await self.delete(through_seq=2)
        self.assertEqual(((await self.one()).unread, (await self.one()).read_seq), (3, 0))

    async def test_what_is_above_the_end_is_refused_whole(self):
        await self.say(3)
        await self.fails(self.delete(1, 4), InvalidRequest)
        await self.fails(self.delete(through_seq=4), InvalidRequest)
        self.assertEqual(await self.notes(), [])
        self.assertEqual(await self.rows("SELECT seq FROM deletion"), [])

    async def test_as_many_as_are_allowed(self):
        await self.say(MAX_DELETED)
        await self.delete(*range(1, MAX_DELETED + 1))
        self.assertEqual(len(await self.rows("SELECT seq FROM deletion")), MAX_DELETED)


class PositionStoreContract(OwnStateCase):
    async def say(self, count=1, sender_id=SYSTEM_SENDER, conversation_id=TALK):
        # By nobody: a message moves its sender's own position.
        await super().say(count, sender_id, conversation_id)

    async def test_reading_is_told_and_lowers_what_is_unread(self):
        await self.say(3)
        await self.flush(draft(TALK, 0, "line", kind=96))
        marked = await self.mark((ANN, TALK, 2))
        self.assertEqual((marked.refusals, marked.moved), ([None], [Receipt(TALK, ANN, 2, 2)]))
        self.assertEqual([(event.stream_id, event.seq) for event in marked.events], [(ANN, 1)])
        self.assertEqual(await self.notes(), [ReadPosition(TALK, 2, 2)])
        self.assertEqual(((await self.one()).unread, (await self.one()).read_seq), (1, 2))
        await self.mark((ANN, TALK, 4))
        self.assertEqual((await self.notes())[1:], [ReadPosition(TALK, 4, 3)])
        self.assertEqual((await self.one()).unread, 0)
        self.assertEqual((await self.one(BOB)).unread, 3)

    async def test_a_position_moves_forwards_only(self):
        await self.say(3)
        await self.mark((ANN, TALK, 3))
        for seq in (1, 3):
            marked = await self.mark((ANN, TALK, seq))
            self.assertEqual((marked.refusals, list(marked.moved), list(marked.events)), ([None], [], []))
        self.assertEqual((await self.one()).read_seq, 3)
        self.assertEqual(len(await self.notes()), 1)

    async def test_many_in_one_transaction(self):
        await self.talks(70)
        await self.say(4)
        marks = [(ANN, TALK + n, 1) for n in range(1, 71)]
        marked = await self.mark((ANN, TALK, 1), (BOB, TALK, 2), *marks, (ANN, TALK, 3))
        self.assertEqual(set(marked.refusals), {None})
        self.assertEqual(len(marked.moved), 72)
        self.assertEqual(len(await self.notes()), 71)
        self.assertIn(ReadPosition(TALK, 3, 3), await self.notes())
        self.assertEqual(await self.notes(BOB), [ReadPosition(TALK, 2, 2)])
        self.assertEqual({one.unread for one in (await self.listed())[0]}, {0, 1})

    async def test_a_call_that_comes_again_finds_what_the_first_one_told(self):
        await self.talks(1)
        await self.say(3)
        await self.mark((ANN, TALK, 1))
        marks = [Mark(ANN, TALK, 1), Mark(ANN, TALK + 1, 1), Mark(BOB, TALK, 3)]
        announce = self.announcer.begin()
        first = await self.stores.positions.mark_read(marks, announce)
        again = await self.stores.positions.mark_read(marks, announce)
        self.assertEqual([event.stream_id for event in first.events], [BOB, ANN])
        self.assertEqual((again.events, list(again.moved)), (first.events, []))
        self.assertEqual((len(await self.notes()), len(await self.notes(BOB))), (2, 1))

    async def test_each_is_refused_for_itself(self):
        await self.say(3)
        marks = ((CAT, TALK, 1), (ANN, 4711, 1), (ANN, 2**64 - 1, 1), (ANN, TALK, 4), (ANN, TALK, 0), (ANN, TALK, -1))
        marked = await self.mark(*marks, (ANN, TALK, 1))
        refusals = ["not_found"] * 3 + ["invalid_request"] * 3
        self.assertEqual((marked.refusals, marked.moved), ([*refusals, None], [Receipt(TALK, ANN, 1, 1)]))
        marked = await self.deliver(*marks, (ANN, TALK, 2))
        self.assertEqual((marked.refusals, marked.moved), ([*refusals, None], [Receipt(TALK, ANN, 2, 1)]))

    async def test_of_several_marks_the_highest_counts(self):
        await self.say(3)
        self.assertEqual((await self.mark((ANN, TALK, 3), (ANN, TALK, 1))).moved, [Receipt(TALK, ANN, 3, 3)])
        self.assertEqual((await self.one()).read_seq, 3)

    async def test_what_was_read_counts_as_received(self):
        await self.say(3)
        await self.sql("INSERT INTO reading (conversation_id, user_id, read_seq) VALUES (?, ?, 2)", TALK, ANN)
        self.assertEqual(list((await self.deliver((ANN, TALK, 2))).moved), [])
        self.assertEqual(await self.receipts(BOB), [Receipt(TALK, ANN, 2, 2)])
        self.assertEqual((await self.deliver((ANN, TALK, 3))).moved, [Receipt(TALK, ANN, 3, 2)])

    async def test_one_who_left_marks_nothing(self):
        await self.say(3)
        await self.sql("DELETE FROM member WHERE user_id = ?", BOB)
        self.assertEqual((await self.mark((BOB, TALK, 1))).refusals, ["not_found"])

    async def test_delivered_is_told_to_nobody_and_reading_is_more_than_that(self):
        await self.say(3)
        self.assertEqual((await self.deliver((ANN, TALK, 2))).moved, [Receipt(TALK, ANN, 2, 0)])
        self.assertEqual(list((await self.deliver((ANN, TALK, 1), (ANN, TALK, 2))).moved), [])
        self.assertEqual((await self.mark((ANN, TALK, 1))).moved, [Receipt(TALK, ANN, 2, 1)])
        self.assertEqual((await self.mark((ANN, TALK, 3))).moved, [Receipt(TALK, ANN, 3, 3)])
        self.assertEqual(list((await self.deliver((ANN, TALK, 3))).moved), [])
        self.assertEqual(len(await self.notes()), 2)

    async def test_what_another_wrote_meanwhile_is_not_lowered(self):
        await self.say(3)
        insert = "INSERT INTO reading (conversation_id, user_id, read_seq, read_ordinal) VALUES (?, ?, 3, 3)"
        await self.sql(insert, TALK, ANN)
        upsert = self.stores.writer._dialect.upsert
        statement = upsert("reading", ("conversation_id", "user_id"), ("read_seq", "read_ordinal"), ("muted",))
        await self.sql(statement, TALK, ANN, 2, 9, 1)
        rows = await self.rows("SELECT read_seq, read_ordinal, muted, pinned_ms FROM reading")
        self.assertEqual([tuple(row) for row in rows], [(3, 9, 1, 0)])

    async def test_receipts_of_the_others(self):
        await self.say(3)
        self.assertEqual(await self.receipts(BOB), [Receipt(TALK, ANN, 0, 0)])
        await self.mark((ANN, TALK, 2))
        await self.deliver((ANN, TALK, 3))
        self.assertEqual(await self.receipts(BOB), [Receipt(TALK, ANN, 3, 2)])
        self.assertEqual(await self.receipts(ANN), [Receipt(TALK, BOB, 0, 0)])
        for user_id, conversation_id in ((CAT, TALK), (ANN, 4711), (ANN, 2**64 - 1)):
            self.assertIsNone(await self.receipts(user_id, conversation_id))

    async def test_who_sends_none_gets_none(self):
        await self.say(3)
        await self.mark((ANN, TALK, 2), (BOB, TALK, 1))
        self.assertEqual(await self.stores.positions.takers([TALK, 4711]), {TALK: {ANN, BOB}})
        await self.sql("UPDATE account SET receipts_off = 1 WHERE user_id = ?", BOB)
        self.assertEqual((await self.receipts(ANN), await self.receipts(BOB)), ([], []))
        self.assertEqual(await self.stores.positions.takers([TALK]), {TALK: {ANN}})

    async def test_in_a_large_conversation_nobody_is_told_of_each(self):
        for n in range(49):
            await self.add_user(8_000 + n, f"member {n}")
            await self.sql("INSERT INTO member VALUES (?, ?, 0)", TALK, 8_000 + n)
        self.assertEqual(await self.receipts(), [])
        self.assertEqual(await self.stores.positions.takers([TALK]), {})

    async def test_positions_of_private_streams_are_nobodys(self):
        await self.flush(draft(ANN, 0, 1, kind=ADDED))
        self.assertEqual((await self.mark((ANN, ANN, 1))).refusals, ["not_found"])


class SeqAtContract(OwnStateCase):
    async def test_the_first_at_or_after_a_time(self):
        times = []
        for _ in range(7):
            times.append(self.now_ms())
            await self.say(2)
            self.elapse(1_000)
        at = self.stores.streams.seq_at
        for place, time in enumerate(times):
            self.assertEqual(await at(TALK, time), 2 * place + 1)
            self.assertEqual(await at(TALK, time - 1), 2 * place + 1)
            self.assertEqual(await at(TALK, time + 1), 2 * place + 3)
        self.assertEqual(await at(TALK, 0), 1)
        self.assertEqual(await at(TALK, 2**53), 15)

    async def test_without_an_event_or_stream(self):
        for stream_id in (TALK, 4711, 0, 2**64 - 1):
            self.assertEqual(await self.stores.streams.seq_at(stream_id, 5), 1)
