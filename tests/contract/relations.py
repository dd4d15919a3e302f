"""What every ``imchat.ports.Relations`` and ``imchat.ports.SeenStore`` keeps to."""

from imchat.domain.presence import Seen
from tests.contract.stores import ANN, BOB, CAT, StoreContract, device, token

DAN = 1004


class RelationsContract(StoreContract):
    async def contact(self, user_id, peer_id, is_contact=1, blocked=0):
        columns = "user_id, peer_id, is_contact, blocked, remark, labels, starred, since_ms"
        await self.sql(
            f"INSERT INTO contact ({columns}) VALUES (?, ?, ?, ?, ?, ?, 0, 0)",
            *(user_id, peer_id, is_contact, blocked, "", ""),
        )

    async def visible(self, viewer_id, *peer_ids):
        return await self.stores.contacts.visible_to(viewer_id, peer_ids)

    async def test_contacts_of_each_other_may_watch_each_other(self):
        await self.contact(ANN, BOB)
        await self.contact(BOB, ANN)
        await self.contact(ANN, DAN)
        await self.contact(DAN, ANN)
        self.assertEqual(await self.visible(ANN, BOB, CAT, ANN), {BOB})
        self.assertEqual(await self.visible(BOB, ANN, CAT), {ANN})
        self.assertEqual(await self.visible(ANN, BOB, DAN, BOB), {BOB, DAN})

    async def test_one_side_is_not_enough(self):
        await self.contact(ANN, BOB)
        await self.contact(CAT, ANN)
        await self.contact(ANN, DAN)
        await self.contact(DAN, ANN, is_contact=0)
        self.assertEqual(await self.visible(ANN, BOB, CAT, DAN), set())
        self.assertEqual(await self.visible(DAN, ANN), set())

    async def test_who_is_blocked_may_not_watch_and_who_blocks_may(self):
        await self.contact(ANN, BOB)
        await self.contact(BOB, ANN, blocked=1)
        self.assertEqual(await self.visible(ANN, BOB), set())
        self.assertEqual(await self.visible(BOB, ANN), {ANN})

    async def test_ids_that_nobody_can_have(self):
        self.assertEqual(await self.visible(ANN), set())
        self.assertEqual(await self.visible(ANN, 0, -1, 2**64 - 1, 2**70), set())

    async def test_hundreds(self):
        peers = range(10_000, 10_450)
        for peer in peers:
            await self.contact(ANN, peer)
            if peer % 2:
                await self.contact(peer, ANN)
        self.assertEqual(await self.visible(ANN, *peers), {peer for peer in peers if peer % 2})


class SeenContract(StoreContract):
    async def seen(self, *user_ids):
        return await self.stores.seen.seen(user_ids)

    async def test_who_was_never_there_and_who_does_not_exist(self):
        await self.add_people()
        self.assertEqual(await self.seen(ANN, BOB, 77, -1, 2**64), {ANN: Seen(), BOB: Seen()})
        self.assertEqual(await self.seen(), {})

    async def test_what_was_noted_is_found(self):
        await self.add_people()
        await self.stores.seen.note_seen({BOB: 2_000, ANN: 1_000, 77: 5})
        self.assertEqual(await self.seen(ANN, BOB, CAT), {ANN: Seen(1_000), BOB: Seen(2_000), CAT: Seen()})

    async def test_an_earlier_time_changes_nothing(self):
        await self.add_people()
        await self.stores.seen.note_seen({ANN: 2_000, BOB: 2_000})
        await self.stores.seen.note_seen({ANN: 1_000, BOB: 3_000})
        self.assertEqual(await self.seen(ANN, BOB), {ANN: Seen(2_000), BOB: Seen(3_000)})
        await self.stores.seen.note_seen({})

    async def test_where_nobody_noted_it_it_is_the_last_use_of_a_session(self):
        await self.add_people()
        await self.stores.sessions.open(ANN, device(), token(1), self.now_ms())
        self.assertEqual(await self.seen(ANN), {ANN: Seen(self.now_ms())})
        later = self.now_ms() + 60_000
        await self.stores.seen.note_seen({ANN: later})
        self.assertEqual(await self.seen(ANN), {ANN: Seen(later)})

    async def test_who_hides_it(self):
        await self.add_people()
        await self.sql("UPDATE account SET presence_hidden = 1 WHERE user_id = ?", BOB)
        self.assertEqual(await self.seen(ANN, BOB), {ANN: Seen(), BOB: Seen(0, hidden=True)})

    async def test_hundreds(self):
        people = range(10_001, 10_301)
        for user_id in people:
            await self.add_user(user_id, f"user{user_id}")
        await self.stores.seen.note_seen({user_id: user_id for user_id in people})
        self.assertEqual(await self.seen(*people), {user_id: Seen(user_id) for user_id in people})
