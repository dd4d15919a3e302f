"""The contract of ConversationStore."""

from twisted.internet.defer import Deferred, gatherResults

from imchat.domain.models import ConversationKind, Head, Member, Membership, Opened
from tests.contract.stores import ADDED, ANN, BOB, TALK, StoreContract, draft


def announcements(conversation_id=TALK):
    return [draft(user_id, 0, f"added {conversation_id}", b"added", ADDED) for user_id in (BOB, ANN)]


class ConversationStoreContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()

    async def test_a_new_direct_conversation_has_two_equal_members(self):
        opened = await self.open_direct()
        self.assertEqual(opened, Opened(TALK, created=True, events=()))
        members = {ANN: Member(ANN, 0, 1), BOB: Member(BOB, 0, 1)}
        expected = Membership(TALK, ConversationKind.DIRECT, 0, members)
        self.assertEqual(await self.stores.conversations.membership(TALK), expected)
        self.assertEqual(await self.head(), Head(TALK, 0, 0, 0, 0, self.now_ms()))

    async def test_announcements_go_to_the_private_streams(self):
        opened = await self.open_direct(drafts=announcements())
        self.assertEqual([(e.stream_id, e.seq, e.kind) for e in opened.events], [(BOB, 1, ADDED), (ANN, 1, ADDED)])
        for user_id, event in zip((BOB, ANN), opened.events, strict=True):
            self.assertEqual((await self.read(user_id, user_id, after=0)).events, (event,))

    async def test_opening_from_either_side_finds_the_one_conversation(self):
        await self.open_direct(ANN, BOB, TALK, announcements())
        for user_id, peer_id in ((ANN, BOB), (BOB, ANN)):
            again = await self.open_direct(user_id, peer_id, TALK + 1, announcements(TALK + 1))
            self.assertEqual(again, Opened(TALK, created=False, events=()))
        self.assertEqual((await self.head(ANN)).last_seq, 1)
        self.assertIsNone(await self.stores.conversations.membership(TALK + 1))

    async def test_opening_again_with_the_same_id_finds_the_same_events(self):
        first = await self.open_direct(drafts=announcements())
        self.assertEqual(await self.open_direct(drafts=announcements()), first)
        self.assertEqual((await self.head(BOB)).last_seq, 1)

    async def test_many_openings_at_once_make_one_conversation(self):
        pairs = [(ANN, BOB), (BOB, ANN)] * 4
        calls = [
            Deferred.fromCoroutine(self.open_direct(*pair, TALK + number, announcements(TALK + number)))
            for number, pair in enumerate(pairs)
        ]
        opened = await gatherResults(calls)
        self.assertEqual(len({one.conversation_id for one in opened}), 1)
        self.assertEqual(sum(one.created for one in opened), 1)
        self.assertEqual((await self.head(ANN)).last_seq, 1)
        self.assertEqual(len(await self.rows("SELECT conversation_id FROM conversation")), 1)

    async def test_an_unknown_peer_leaves_nothing_behind(self):
        for peer_id in (4711, 0, 2**64 - 1):
            self.assertIsNone(await self.open_direct(peer_id=peer_id, drafts=announcements()))
        self.assertIsNone(await self.stores.conversations.membership(TALK))
        self.assertEqual((await self.head(ANN)).last_seq, 0)

    async def test_a_conversation_is_no_peer(self):
        await self.open_direct()
        self.assertIsNone(await self.open_direct(peer_id=TALK, conversation_id=TALK + 1))

    async def test_a_direct_conversation_can_be_talked_in_at_once(self):
        await self.open_direct()
        self.assertEqual(await self.seqs(draft(TALK, ANN, 1), draft(TALK, BOB, 1)), [(1, False), (2, False)])

    async def test_an_unknown_conversation_has_no_members(self):
        for conversation_id in (TALK, ANN, 2**64 - 1):
            self.assertIsNone(await self.stores.conversations.membership(conversation_id))

    async def test_one_who_left_is_no_member_now(self):
        await self.open_direct()
        await self.sql("UPDATE period SET to_seq = 4 WHERE user_id = ?", BOB)
        await self.sql("DELETE FROM member WHERE user_id = ?", BOB)
        await self.sql("UPDATE head SET member_version = 1 WHERE stream_id = ?", TALK)
        membership = await self.stores.conversations.membership(TALK)
        self.assertEqual((membership.version, set(membership.members)), (1, {ANN}))

    async def test_one_who_came_back_sees_from_there_on(self):
        await self.open_direct()
        await self.sql("UPDATE period SET to_seq = 4 WHERE user_id = ?", BOB)
        await self.sql("INSERT INTO period (conversation_id, user_id, from_seq) VALUES (?, ?, 9)", TALK, BOB)
        membership = await self.stores.conversations.membership(TALK)
        self.assertEqual(membership.members[BOB], Member(BOB, 0, 9))
