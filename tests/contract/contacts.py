"""The contract of ContactStore."""

from functools import partial
from hashlib import sha256

from twisted.internet.defer import Deferred, gatherResults

from imchat.domain import contacts as rules
from imchat.domain.contact_limits import MAX_CONTACTS
from imchat.domain.contacts import DAY_MS, EXPIRY_MS, Answer, ContactEdit
from imchat.domain.errors import NotContacts, NotFound, TooMany
from imchat.domain.models import SYSTEM_SENDER, ConversationKind, Draft, Refused, UserCard
from imchat.domain.notes import ConversationAdded, SystemLine
from imchat.domain.people import Contact, ContactRequest, RequestState
from imchat.domain.permissions import ContactsPolicy, may_write, permit
from imchat.ports import Related
from tests.contract.stores import ANN, BOB, CAT, TALK, StoreContract, draft

PENDING, ACCEPTED, EXPIRED = RequestState.PENDING, RequestState.ACCEPTED, RequestState.EXPIRED
IGNORED = RequestState.IGNORED
KINDS = {66: "request", 67: "contact", 64: "added", 96: "line"}


class ContactStoreContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()
        self.calls = 0
        self.noted = []

    def announce(self):
        """Drafts whose content is the text of the note; what was announced last is in ``noted``."""
        self.calls += 1
        call = self.calls

        def announced(notes):
            self.noted = list(notes)
            return [
                Draft(
                    stream_id,
                    SYSTEM_SENDER,
                    sha256(f"{call} {index}".encode()).digest()[:16],
                    note.kind,
                    repr(note).encode(),
                    sha256(repr(note).encode()).digest(),
                )
                for index, (stream_id, note) in enumerate(notes)
            ]

        return announced

    async def change(self, rule, user_id=ANN, peer_id=BOB, talk=TALK):
        return await self.stores.contacts.change(user_id, peer_id, rule, talk, self.announce(), self.now_ms())

    async def request(self, user_id=ANN, peer_id=BOB, remark="", greeting="hi", talk=TALK):
        rule = partial(rules.request, greeting=greeting, remark=remark, now_ms=self.now_ms())
        return await self.change(rule, user_id, peer_id, talk)

    async def answer(self, given=Answer.ACCEPT, user_id=BOB, peer_id=ANN, remark="", talk=TALK):
        rule = partial(rules.answer, given=given, remark=remark, now_ms=self.now_ms())
        return await self.change(rule, user_id, peer_id, talk)

    async def block(self, blocked=True, user_id=ANN, peer_id=BOB):
        return await self.change(partial(rules.block, blocked=blocked, now_ms=self.now_ms()), user_id, peer_id)

    async def befriend(self, user_id=ANN, peer_id=BOB, talk=TALK):
        await self.request(user_id, peer_id, talk=talk)
        return await self.answer(user_id=peer_id, peer_id=user_id, talk=talk)

    async def kinds(self, stream_id):
        """What stands in a stream, in order."""
        found = await self.read(stream_id, ANN if stream_id == TALK else stream_id, after=0)
        return [KINDS[event.kind] for event in found.events] if found else []

    async def heads(self):
        heads = await self.stores.streams.heads([ANN, BOB, CAT, TALK])
        return {stream_id: (head.last_seq, head.member_version) for stream_id, head in heads.items()}

    async def test_a_request_is_told_to_both(self):
        related = await self.request(remark="Bobby")
        sent = ContactRequest(BOB, False, "hi", "Bobby", PENDING, self.now_ms(), self.now_ms())
        self.assertEqual((related.contact, related.requests), (Contact(BOB), (sent,)))
        self.assertEqual((related.conversation_id, related.moved), (None, False))
        self.assertEqual([(event.stream_id, event.seq) for event in related.events], [(ANN, 1), (BOB, 1)])
        received = ContactRequest(ANN, True, "hi", "", PENDING, self.now_ms(), self.now_ms())
        self.assertEqual(self.noted, [(ANN, sent), (BOB, received)])

    async def test_the_same_request_again_appends_nothing(self):
        first = await self.request()
        before = await self.heads()
        again = await self.request(greeting="please")
        self.assertEqual(again, Related(first.contact, first.requests))
        self.assertEqual(await self.heads(), before)

    async def test_accepting_makes_contacts_a_conversation_and_its_first_line(self):
        await self.request(remark="Bobby")
        related = await self.answer(remark="Annie")
        now_ms = self.now_ms()
        annie, bobby = (Contact(user, True, remark=r, since_ms=now_ms) for user, r in ((ANN, "Annie"), (BOB, "Bobby")))
        self.assertEqual((related.contact, related.conversation_id, related.moved), (annie, TALK, True))
        direct = ConversationKind.DIRECT
        self.assertEqual(
            self.noted[:2],
            [(BOB, ConversationAdded(TALK, direct, (ANN,))), (ANN, ConversationAdded(TALK, direct, (BOB,)))],
        )
        self.assertIn((BOB, annie), self.noted)
        self.assertIn((ANN, bobby), self.noted)
        self.assertEqual(self.noted[-1], (TALK, SystemLine("contacts_made", (BOB, ANN))))
        self.assertEqual(await self.kinds(ANN), ["request", "added", "request", "contact"])
        self.assertEqual(await self.kinds(BOB), ["request", "added", "request", "contact"])
        self.assertEqual(await self.kinds(TALK), ["line"])
        self.assertEqual((await self.head()).counted, 0)
        membership = await self.stores.conversations.membership(TALK)
        self.assertEqual((membership.version, [m.has_contact for m in membership.members.values()]), (1, [True, True]))

    async def test_accepting_again_appends_nothing(self):
        await self.befriend()
        before = await self.heads()
        again = await self.answer(talk=TALK + 1)
        self.assertEqual((again.contact.is_contact, again.events, again.conversation_id), (True, (), TALK))
        self.assertFalse(again.moved)
        self.assertEqual(await self.heads(), before)

    async def test_a_conversation_that_is_there_is_kept(self):
        await self.open_direct()
        related = await self.befriend(talk=TALK + 1)
        self.assertEqual(related.conversation_id, TALK)
        self.assertEqual(await self.kinds(TALK), ["line"])
        self.assertEqual(await self.kinds(ANN), ["request", "request", "contact"])
        self.assertEqual((await self.head()).member_version, 1)

    async def test_crossing_requests_make_contacts(self):
        await self.request(remark="Bobby")
        related = await self.request(BOB, ANN, remark="Annie")
        self.assertEqual((related.contact.is_contact, related.contact.remark), (True, "Annie"))
        self.assertEqual([request.state for request in related.requests], [ACCEPTED])
        self.assertEqual((await self.stores.contacts.contacts(ANN, False, 0, 9))[0][0][0].remark, "Bobby")

    async def test_of_many_at_once_each_is_there_once(self):
        """Requests and answers from both sides at the same time: they are contacts once, in one conversation."""
        calls = [
            Deferred.fromCoroutine(self.request(*pair, talk=TALK + number))
            for number, pair in enumerate([(ANN, BOB), (BOB, ANN)] * 4)
        ]
        related = await gatherResults(calls)
        talks = {one.conversation_id for one in related if one.conversation_id is not None}
        self.assertEqual(len(talks), 1)
        self.assertEqual(len(await self.rows("SELECT conversation_id FROM conversation")), 1)
        self.assertEqual((await self.head(talks.pop())).last_seq, 1)
        for user_id in (ANN, BOB):
            self.assertEqual(sorted(await self.kinds(user_id)), ["added", "contact", "request", "request"])

    async def test_an_opening_at_the_same_time_leaves_one_conversation(self):
        await self.request()
        calls = [self.answer(talk=TALK + 1), *(self.open_direct(ANN, BOB, TALK + n) for n in (2, 3, 4))]
        answered, *_ = await gatherResults([Deferred.fromCoroutine(call) for call in calls])
        ((conversation_id,),) = await self.rows("SELECT conversation_id FROM conversation")
        self.assertEqual((answered.conversation_id, answered.contact.is_contact), (conversation_id, True))
        self.assertEqual((await self.head(conversation_id)).member_version, 1)

    async def test_deleting_and_blocking_bear_on_who_may_write_in_the_next_flush(self):
        await self.befriend()
        version = (await self.head()).member_version
        rule = partial(permit, policy=ContactsPolicy.REQUIRED)
        number = 0
        for act, may in (
            (self.change(rules.remove), False),
            (self.request(), True),
            (self.block(user_id=BOB, peer_id=ANN), False),
            (self.block(False, user_id=BOB, peer_id=ANN), True),
        ):
            await act
            for sender_id in (ANN, BOB):
                number += 1
                (outcome,) = await self.flush(draft(TALK, sender_id, number, member_version=version), permit=rule)
                self.assertEqual(outcome == Refused("not_contacts"), not may)
            version = (await self.head()).member_version if may else version

    async def test_only_what_bears_on_writing_raises_the_version(self):
        await self.befriend()
        before = (await self.head()).member_version
        related = await self.change(partial(rules.edit, change=ContactEdit("B", ("work", "\u7532\u4e59"), True)))
        self.assertEqual((related.contact.labels, related.moved), (("work", "\u7532\u4e59"), False))
        self.assertEqual((await self.head()).member_version, before)
        self.assertEqual(await self.kinds(ANN), ["request", "added", "request", "contact", "contact"])
        self.assertEqual((await self.kinds(BOB))[4:], [])
        page, _ = await self.stores.contacts.contacts(ANN, False, 0, 9)
        self.assertEqual(page, [(related.contact, UserCard(BOB, "Bob"))])

    async def test_what_a_rule_refuses_leaves_nothing_behind(self):
        before = await self.heads()
        await self.fails(self.answer(), NotFound)
        self.assertEqual(await self.heads(), before)
        for peer_id in (4711, TALK, 0, 2**64 - 1):
            await self.fails(self.request(peer_id=peer_id), NotFound)
        self.assertEqual(await self.rows("SELECT * FROM contact_request"), [])

    async def test_the_receiver_of_what_they_block_learns_nothing(self):
        await self.block(user_id=BOB, peer_id=ANN)
        before = (await self.heads())[BOB]
        related = await self.request()
        self.assertEqual([request.state for request in related.requests], [PENDING])
        self.assertEqual((await self.heads())[BOB], before)
        for every in (False, True):
            self.assertEqual(await self.requests(BOB, True, every), [])
        self.assertEqual(await self.requests(ANN, False, False), [(BOB, PENDING)])

    async def test_one_who_is_ignored_learns_nothing(self):
        await self.request()
        before = (await self.heads())[ANN]
        await self.answer(Answer.IGNORE)
        self.assertEqual((await self.heads())[ANN], before)
        self.assertEqual(await self.requests(ANN, False, False), [(BOB, PENDING)])
        self.assertEqual(await self.requests(BOB, True, False), [])
        self.assertEqual(await self.requests(BOB, True, True), [(ANN, IGNORED)])

    async def requests(self, user_id, incoming, every, cursor=None, limit=9):
        page, _ = await self.stores.contacts.requests(user_id, incoming, every, cursor, limit, self.now_ms())
        return [(request.user_id, request.state) for request, card in page if card.id == request.user_id]

    async def test_requests_are_listed_newest_first_page_by_page(self):
        await self.request(ANN, CAT)
        self.elapse(5)
        await self.request(BOB, CAT)
        self.assertEqual(await self.requests(CAT, True, False), [(BOB, PENDING), (ANN, PENDING)])
        page, cursor = await self.stores.contacts.requests(CAT, True, False, None, 1, self.now_ms())
        self.assertEqual([request.user_id for request, _ in page], [BOB])
        page, cursor = await self.stores.contacts.requests(CAT, True, False, cursor, 1, self.now_ms())
        self.assertEqual(([request.user_id for request, _ in page], cursor), ([ANN], None))

    async def test_expired_ones_wait_no_more(self):
        await self.request()
        self.elapse(EXPIRY_MS)
        for user_id, peer_id, incoming in ((ANN, BOB, False), (BOB, ANN, True)):
            self.assertEqual(await self.requests(user_id, incoming, False), [])
            self.assertEqual(await self.requests(user_id, incoming, True), [(peer_id, EXPIRED)])

    async def test_answered_ones_are_listed_among_all(self):
        await self.request()
        await self.answer(Answer.DECLINE)
        self.assertEqual(await self.requests(ANN, False, False), [])
        self.assertEqual(await self.requests(ANN, False, True), [(BOB, RequestState.DECLINED)])
        self.elapse(DAY_MS)
        await self.request()
        self.assertEqual(await self.requests(BOB, True, False), [(ANN, PENDING)])

    async def test_contacts_and_blocked_page_by_page(self):
        await self.befriend(ANN, CAT, TALK)
        await self.befriend(ANN, BOB, TALK + 1)
        await self.block(peer_id=CAT)
        page, cursor = await self.stores.contacts.contacts(ANN, False, 0, 1)
        self.assertEqual([(contact.user_id, card.name) for contact, card in page], [(BOB, "Bob")])
        page, cursor = await self.stores.contacts.contacts(ANN, False, cursor, 1)
        self.assertEqual(([contact.user_id for contact, _ in page], cursor), ([CAT], None))
        page, cursor = await self.stores.contacts.contacts(ANN, True, 0, 9)
        self.assertEqual(([contact.user_id for contact, _ in page], cursor), ([CAT], None))
        self.assertEqual(await self.stores.contacts.contacts(BOB, True, 0, 9), ([], None))

    async def test_whose_presence_may_be_seen(self):
        async def seen(viewer_id):
            return await self.stores.contacts.visible_to(viewer_id, [ANN, BOB, CAT, 4711, 2**64 - 1])

        await self.befriend()
        await self.request(ANN, CAT)
        self.assertEqual((await seen(ANN), await seen(BOB), await seen(CAT)), ({BOB}, {ANN}, set()))
        await self.block(user_id=BOB, peer_id=ANN)
        self.assertEqual((await seen(ANN), await seen(BOB)), (set(), {ANN}))
        await self.block(False, user_id=BOB, peer_id=ANN)
        await self.change(rules.remove)
        self.assertEqual((await seen(ANN), await seen(BOB)), (set(), set()))
        self.assertEqual(await self.stores.contacts.visible_to(ANN, []), set())

    async def test_a_full_list_takes_nobody(self):
        await self.sql(
            "INSERT INTO contact (user_id, peer_id, is_contact, blocked, remark, labels, starred, since_ms) "
            "SELECT 1001, 100000 + a.n * 100 + b.n, 1, 0, '', '', 0, 0 FROM "
            f"({_numbers(MAX_CONTACTS // 100)}) AS a CROSS JOIN ({_numbers(100)}) AS b"
        )
        await self.request()
        before = await self.heads()
        await self.fails(self.answer(), TooMany)
        self.assertEqual(await self.heads(), before)

    async def test_a_new_conversation_is_for_those_who_may_write(self):
        required = partial(may_write, policy=ContactsPolicy.REQUIRED)

        async def opened(may=required):
            store = self.stores.conversations
            return await store.open_direct(ANN, BOB, TALK, [], self.now_ms(), may)

        await self.fails(opened(), NotContacts)
        self.assertIsNone(await self.stores.conversations.membership(TALK))
        self.assertIsNone(await self.stores.conversations.open_direct(ANN, 4711, TALK, [], self.now_ms(), required))
        await self.block(user_id=BOB, peer_id=ANN)
        is_open = partial(may_write, policy=ContactsPolicy.OPEN)
        await self.fails(opened(is_open), NotContacts)
        await self.block(False, user_id=BOB, peer_id=ANN)
        self.assertTrue((await opened(is_open)).created)
        found = await self.stores.conversations.open_direct(BOB, ANN, TALK + 1, [], self.now_ms(), required)
        self.assertEqual((found.conversation_id, found.created), (TALK, False))

    async def test_members_of_a_direct_conversation_tell_how_they_stand(self):
        await self.befriend()
        await self.block(user_id=BOB, peer_id=ANN)
        await self.change(rules.remove)
        await self.sql("UPDATE account SET deleted_ms = 5 WHERE user_id = ?", ANN)
        members = (await self.stores.conversations.membership(TALK)).members
        self.assertEqual((members[ANN].has_contact, members[ANN].blocks, members[ANN].gone), (False, False, True))
        self.assertEqual((members[BOB].has_contact, members[BOB].blocks, members[BOB].gone), (True, True, False))

    async def test_a_group_knows_nothing_of_contacts(self):
        await self.befriend()
        await self.block(user_id=BOB, peer_id=ANN)
        await self.sql("INSERT INTO head VALUES (6001, 0, 0, 0, 0, 0)")
        await self.sql("INSERT INTO conversation (conversation_id, kind, created_ms) VALUES (6001, 2, 0)")
        for user_id in (ANN, BOB):
            await self.sql("INSERT INTO member (conversation_id, user_id, role) VALUES (6001, ?, 0)", user_id)
            await self.sql("INSERT INTO period (conversation_id, user_id, from_seq) VALUES (6001, ?, 1)", user_id)
        membership = await self.stores.conversations.membership(6001)
        self.assertEqual([(m.has_contact, m.blocks) for m in membership.members.values()], [(False, False)] * 2)
        self.assertIsNone(permit(draft(6001, ANN, 1), membership))


def _numbers(count):
    """A query for the numbers below a count."""
    first, *rest = range(count)
    return f"SELECT {first} AS n" + "".join(f" UNION ALL SELECT {number}" for number in rest)
