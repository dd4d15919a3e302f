"""The contract of what StreamStore reads: read, changed and hosted."""

from imchat.domain.models import ConversationKind, HostedStream
from tests.contract.stores import ADDED, ANN, BOB, CAT, TALK, StoreContract, draft


class ReadContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()
        await self.open_direct()
        await self.flush(*(draft(TALK, ANN, n, b"%04d" % n) for n in range(1, 201)))

    async def stretch(self, **arguments):
        """from_seq, to_seq and the numbers of the events."""
        found = await self.read(**arguments)
        self.assertEqual([int(e.content) for e in found.events], [e.seq for e in found.events])
        return found.from_seq, found.to_seq, [e.seq for e in found.events]

    async def see(self, user_id, *periods):
        await self.sql("DELETE FROM period WHERE user_id = ?", user_id)
        insert = "INSERT INTO period (conversation_id, user_id, from_seq, to_seq) VALUES (?, ?, ?, ?)"
        for from_seq, to_seq in periods:
            await self.sql(insert, TALK, user_id, from_seq, to_seq)

    async def test_upwards(self):
        self.assertEqual(await self.stretch(after=0, limit=3), (1, 3, [1, 2, 3]))
        self.assertEqual(await self.stretch(after=197, limit=3), (198, 200, [198, 199, 200]))
        self.assertEqual(await self.stretch(after=100, before=104), (101, 103, [101, 102, 103]))

    async def test_upwards_over_many(self):
        self.assertEqual(await self.stretch(after=10, limit=150), (11, 160, list(range(11, 161))))

    async def test_upwards_from_the_end_is_an_empty_range(self):
        self.assertEqual(await self.stretch(after=200), (201, 200, []))
        self.assertEqual(await self.stretch(after=300), (301, 300, []))
        self.assertEqual(await self.stretch(after=10, before=11), (11, 10, []))
        self.assertEqual(await self.stretch(after=2**64 - 1, before=1), (2**64, 2**64 - 1, []))

    async def test_downwards(self):
        self.assertEqual(await self.stretch(before=2**64 - 1, limit=2), (199, 200, [199, 200]))
        self.assertEqual(await self.stretch(before=199, limit=2), (197, 198, [197, 198]))
        self.assertEqual(await self.stretch(before=3, limit=10), (1, 2, [1, 2]))
        self.assertEqual(await self.stretch(before=151, limit=130), (21, 150, list(range(21, 151))))

    async def test_downwards_from_the_beginning_is_an_empty_range(self):
        self.assertEqual(await self.stretch(before=1), (1, 0, []))
        self.assertEqual(await self.stretch(before=0), (1, 0, []))

    async def test_last_seq_is_told(self):
        self.assertEqual((await self.read(after=3, limit=1)).last_seq, 200)

    async def test_the_limit_of_bytes_cuts_in_the_direction_of_reading(self):
        self.assertEqual(await self.stretch(after=4, max_bytes=11), (5, 6, [5, 6]))
        self.assertEqual(await self.stretch(after=4, max_bytes=12), (5, 7, [5, 6, 7]))
        self.assertEqual(await self.stretch(before=10, max_bytes=11), (8, 9, [8, 9]))
        self.assertEqual(await self.stretch(after=100, max_bytes=400), (101, 200, list(range(101, 201))))

    async def test_one_event_at_least_whatever_its_size(self):
        self.assertEqual(await self.stretch(after=4, max_bytes=1), (5, 5, [5]))
        self.assertEqual(await self.stretch(before=4, max_bytes=1), (3, 3, [3]))

    async def test_periods_hide_what_lies_between_them(self):
        await self.see(BOB, (3, 5), (9, None))
        self.assertEqual(await self.stretch(reader_id=BOB, after=0, limit=5), (1, 10, [3, 4, 5, 9, 10]))
        self.assertEqual(await self.stretch(reader_id=BOB, before=11, limit=3), (5, 10, [5, 9, 10]))
        self.assertEqual(await self.stretch(reader_id=BOB, before=9), (1, 8, [3, 4, 5]))
        self.assertEqual(await self.stretch(reader_id=BOB, after=5, before=9), (6, 8, []))

    async def test_one_who_left_sees_nothing_later_and_learns_that_the_range_is_empty(self):
        await self.see(BOB, (1, 5))
        self.assertEqual(await self.stretch(reader_id=BOB, after=3), (4, 200, [4, 5]))
        self.assertEqual(await self.stretch(reader_id=BOB, after=3, limit=2), (4, 200, [4, 5]))
        self.assertEqual(await self.stretch(reader_id=BOB, after=3, limit=1), (4, 4, [4]))
        self.assertEqual(await self.stretch(reader_id=BOB, after=5), (6, 200, []))

    async def test_a_cut_by_bytes_does_not_promise_what_follows(self):
        await self.see(BOB, (1, 5))
        self.assertEqual(await self.stretch(reader_id=BOB, after=3, max_bytes=4), (4, 4, [4]))
        self.assertEqual(await self.stretch(reader_id=BOB, before=6, max_bytes=4), (5, 5, [5]))

    async def test_strangers_and_unknown_streams_get_nothing(self):
        self.assertIsNone(await self.read(reader_id=CAT, after=0))
        self.assertIsNone(await self.read(stream_id=77, after=0))
        self.assertIsNone(await self.read(stream_id=2**64 - 1, after=0))
        self.assertIsNone(await self.read(stream_id=BOB, reader_id=ANN, after=0))

    async def test_an_empty_stream_is_an_empty_range(self):
        self.assertEqual(await self.stretch(stream_id=ANN, after=0), (1, 0, []))
        self.assertEqual(await self.stretch(stream_id=ANN, before=2**63), (1, 0, []))


class ChangedContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()

    async def talk(self, count):
        """Ann's conversations TALK .. TALK+count-1 with peers 3000 .., the last one newest, an event in each."""
        for n in range(count):
            await self.add_user(3000 + n, f"peer {n}")
            await self.open_direct(ANN, 3000 + n, TALK + n)
            self.elapse(1_000)
            await self.flush(draft(TALK + n, ANN, 1))

    async def changed(self, positions=None, cursor=None, limit=100, user_id=ANN):
        return await self.stores.streams.changed(user_id, positions or {}, cursor, limit)

    async def pages(self, positions=None, limit=100):
        cursor, found = None, []
        while True:
            page, cursor = await self.changed(positions, cursor, limit)
            self.assertLessEqual(len(page), limit)
            found.append([state.head.stream_id for state in page])
            if cursor is None:
                return found

    async def test_nothing_at_first(self):
        await self.open_direct()
        self.assertEqual(await self.changed(), ([], None))

    async def test_the_private_stream_first_then_the_newest(self):
        await self.talk(3)
        await self.flush(draft(ANN, 0, 1, kind=ADDED))
        self.elapse(1_000)
        await self.flush(draft(TALK, 3000, 1))
        self.assertEqual(await self.pages(), [[ANN, TALK, TALK + 2, TALK + 1]])

    async def test_what_is_told_of_a_stream(self):
        await self.talk(1)
        await self.flush(draft(ANN, 0, 1, kind=ADDED))
        (private, talk), _ = await self.changed()
        self.assertEqual(
            (private.head, private.conversation_kind, private.member_ids), (await self.head(ANN), None, ())
        )
        self.assertEqual(
            (talk.head, talk.conversation_kind, talk.member_ids), (await self.head(), ConversationKind.DIRECT, (3000,))
        )

    async def test_equal_positions_are_left_out(self):
        await self.talk(3)
        await self.flush(draft(ANN, 0, 1, kind=ADDED))
        self.assertEqual(await self.pages({ANN: 1, TALK: 1, TALK + 1: 0, 99: 4}), [[TALK + 2, TALK + 1]])

    async def test_a_position_ahead_differs_too(self):
        await self.talk(1)
        self.assertEqual(await self.pages({TALK: 7}), [[TALK]])

    async def test_pages_are_full_and_end(self):
        await self.talk(5)
        await self.flush(draft(ANN, 0, 1, kind=ADDED))
        expected = [ANN, *(TALK + n for n in (4, 3, 2, 1, 0))]
        for limit in (1, 2, 3, 4, 5, 6, 7):
            pages = await self.pages(limit=limit)
            self.assertEqual([stream_id for page in pages for stream_id in page], expected)
            self.assertEqual(len(pages), -(-len(expected) // limit))

    async def test_equal_times_are_told_once_each(self):
        await self.talk(6)
        await self.sql("UPDATE head SET last_ms = 5 WHERE stream_id >= ?", TALK)
        self.assertEqual(await self.pages(limit=2), [[TALK + 5, TALK + 4], [TALK + 3, TALK + 2], [TALK + 1, TALK]])

    async def test_pages_skip_what_the_positions_have(self):
        await self.talk(6)
        positions = {TALK + n: 1 for n in (5, 3, 1)}
        self.assertEqual(await self.pages(positions, limit=2), [[TALK + 4, TALK + 2], [TALK]])

    async def test_others_conversations_are_not_told(self):
        await self.talk(2)
        page, _ = await self.changed(user_id=3001)
        self.assertEqual([(state.head.stream_id, state.member_ids) for state in page], [(TALK + 1, (ANN,))])

    async def test_of_a_large_conversation_some_members_are_told(self):
        await self.talk(1)
        for n in range(20):
            await self.sql("INSERT INTO member VALUES (?, ?, 0)", TALK, 8_000 + n)
        (state,), _ = await self.changed()
        self.assertEqual(state.member_ids, (3000, *range(8_000, 8_007)))

    async def test_a_forged_cursor_is_harmless(self):
        await self.talk(1)
        self.assertEqual(await self.changed(cursor=(-(2**70), -(2**70))), ([], None))
        page, _ = await self.changed(cursor=(2**64 - 1, 2**64 - 1))
        self.assertEqual(len(page), 1)

    async def test_more_than_one_statement_reads(self):
        for n in range(450):
            await self.sql("INSERT INTO head VALUES (?, 1, 1, 1, 0, ?)", 9_000 + n, n)
            await self.sql("INSERT INTO conversation VALUES (?, 1, 0)", 9_000 + n)
            await self.sql("INSERT INTO member VALUES (?, ?, 0)", 9_000 + n, ANN)
        newest_first = [9_000 + n for n in reversed(range(450))]
        self.assertEqual(await self.pages(limit=1_000), [newest_first])
        self.assertEqual(await self.pages({i: 1 for i in newest_first[:-1]}, limit=5), [[9_000]])


class HostedContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()

    async def hosted(self, user_id=ANN):
        return sorted(await self.stores.streams.hosted(user_id), key=lambda found: found.stream_id)

    async def test_the_private_stream_and_every_conversation_with_their_ends(self):
        await self.open_direct()
        await self.open_direct(ANN, CAT, TALK + 1)
        await self.seqs(draft(TALK, ANN, 1), draft(TALK, BOB, 2), draft(ANN, 0, 3, kind=ADDED))
        direct = ConversationKind.DIRECT
        expected = [HostedStream(ANN, 1, None), HostedStream(TALK, 2, direct), HostedStream(TALK + 1, 0, direct)]
        self.assertEqual(expected, await self.hosted())
        self.assertEqual([HostedStream(BOB, 0, None), HostedStream(TALK, 2, direct)], await self.hosted(BOB))

    async def test_a_group_is_told_as_one(self):
        await self.open_direct()
        await self.sql("UPDATE conversation SET kind = 2 WHERE conversation_id = ?", TALK)
        self.assertEqual(HostedStream(TALK, 0, ConversationKind.GROUP), (await self.hosted())[-1])

    async def test_what_one_has_left_is_not_told(self):
        await self.open_direct()
        await self.sql("DELETE FROM member WHERE user_id = ?", BOB)
        self.assertEqual([HostedStream(BOB, 0, None)], await self.hosted(BOB))

    async def test_who_does_not_exist_hears_nothing(self):
        for user_id in (4711, 0, 2**64 - 1):
            self.assertEqual([], await self.hosted(user_id))
