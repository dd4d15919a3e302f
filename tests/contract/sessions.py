"""The contract of SessionStore."""

from imchat.domain.errors import Unavailable
from imchat.domain.models import Ended, Session
from tests.contract.stores import ANN, BOB, ENDED, LIFETIME_MS, StoreContract, cid, device, draft, token

HOUR_MS = 3_600_000


class SessionStoreContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()

    async def open(self, user_id=ANN, device_id="phone", number=1):
        return await self.stores.sessions.open(user_id, device(device_id), token(number), self.now_ms())

    async def by_token(self, number=1):
        return await self.stores.sessions.by_token(token(number), self.now_ms())

    async def hello(self, number=1, device_id="phone"):
        return await self.stores.sessions.hello(token(number), device_id, self.now_ms())

    async def end(self, user_id=ANN, device_ids=None, number="farewell", token_hash=None):
        farewell = draft(user_id, 0, number, b"bye", ENDED)
        return await self.stores.sessions.end(user_id, device_ids, farewell, token_hash)

    async def last_used(self):
        return [row[0] - self.now_ms() for row in await self.rows("SELECT last_used_ms FROM session")]

    async def test_a_session_is_found_by_its_token(self):
        await self.open()
        session = await self.by_token()
        now = self.now_ms()
        self.assertEqual(session, Session(ANN, "Ann", device(), session.generation, now, now))

    async def test_another_token_finds_nothing(self):
        await self.open()
        self.assertIsNone(await self.by_token(2))

    async def test_a_new_login_of_the_device_replaces_token_and_row(self):
        await self.open(number=1)
        await self.open(number=2)
        self.assertIsNone(await self.by_token(1))
        self.assertEqual((await self.by_token(2)).user_id, ANN)
        self.assertEqual(len(await self.rows("SELECT user_id FROM session")), 1)

    async def test_devices_and_users_do_not_replace_one_another(self):
        await self.open(ANN, "phone", 1)
        await self.open(ANN, "Phone", 2)
        await self.open(BOB, "phone", 3)
        found = [await self.by_token(number) for number in (1, 2, 3)]
        self.assertEqual(
            [(s.user_id, s.device.device_id) for s in found], [(ANN, "phone"), (ANN, "Phone"), (BOB, "phone")]
        )

    async def test_opening_again_is_no_error(self):
        await self.open()
        await self.open()
        self.assertIsNotNone(await self.by_token())

    async def test_opening_again_later_changes_nothing(self):
        await self.open()
        session = await self.hello()
        late = await self.stores.sessions.open(ANN, device("phone"), token(1), self.now_ms() + 3_000)
        self.assertEqual(late, session.generation)
        self.assertEqual((await self.by_token()).generation, session.generation)

    async def test_each_hello_raises_the_generation(self):
        await self.open()
        before = (await self.by_token()).generation
        self.assertEqual([(await self.hello()).generation - before for _ in range(3)], [1, 2, 3])
        self.assertEqual((await self.by_token()).generation - before, 3)

    async def test_hello_of_another_device_is_refused(self):
        await self.open()
        self.assertIsNone(await self.hello(device_id="laptop"))
        self.assertIsNone(await self.hello(number=2))

    async def test_a_new_login_outranks_the_older_one(self):
        await self.open(number=1)
        old = await self.hello(1)
        await self.open(number=2)
        self.assertGreater((await self.hello(2)).generation, old.generation)

    async def test_a_new_login_tells_which_connections_are_of_the_older_one(self):
        self.assertIsNone(await self.open(number=1))
        self.assertIsNone(await self.open(device_id="laptop", number=2))
        old = await self.hello(1)
        below = await self.open(number=3)
        # Also before anybody says Hello with the new token: the sweep compares generations.
        generations = await self.stores.sessions.generations([(ANN, "phone")])
        self.assertGreater(generations[ANN, "phone"], old.generation)
        self.assertTrue(old.generation < below <= (await self.hello(3)).generation)

    async def test_a_login_after_the_end_outranks_what_was_before(self):
        await self.open(number=1)
        for _ in range(5):
            old = await self.hello(1)
        await self.end()
        self.elapse(1_000)
        await self.open(number=2)
        self.assertGreater((await self.hello(2)).generation, old.generation)

    async def test_generations_tells_which_sessions_there_are(self):
        await self.open(ANN, "phone", 1)
        await self.open(BOB, "phone", 2)
        raised = await self.hello(2)
        asked = [(ANN, "phone"), (ANN, "laptop"), (BOB, "phone"), (77, "phone")]
        generations = await self.stores.sessions.generations(asked)
        self.assertEqual(set(generations), {(ANN, "phone"), (BOB, "phone")})
        self.assertEqual(generations[BOB, "phone"], raised.generation)

    async def test_generations_of_none(self):
        self.assertEqual(await self.stores.sessions.generations([]), {})

    async def test_a_session_lives_for_its_lifetime_after_the_last_use(self):
        await self.open()
        self.elapse(LIFETIME_MS)
        self.assertIsNotNone(await self.by_token())
        self.elapse(LIFETIME_MS)
        self.assertIsNotNone(await self.hello())
        self.elapse(LIFETIME_MS + 1)
        self.assertIsNone(await self.by_token())
        self.assertIsNone(await self.hello())

    async def test_reading_a_token_writes_its_use_once_an_hour(self):
        await self.open()
        self.elapse(HOUR_MS - 1)
        await self.by_token()
        self.assertEqual(await self.last_used(), [1 - HOUR_MS])
        self.elapse(1)
        await self.by_token()
        self.assertEqual(await self.last_used(), [0])

    async def test_touch_writes_the_use_of_those_named(self):
        await self.open(ANN, "phone", 1)
        await self.open(ANN, "laptop", 2)
        self.elapse(HOUR_MS)
        await self.stores.sessions.touch([(ANN, "phone"), (BOB, "phone")], self.now_ms())
        self.assertEqual(sorted(await self.last_used()), [-HOUR_MS, 0])

    async def test_touch_writes_a_use_once_an_hour(self):
        await self.open()
        self.elapse(HOUR_MS - 1)
        await self.stores.sessions.touch([(ANN, "phone")], self.now_ms())
        self.assertEqual(await self.last_used(), [1 - HOUR_MS])

    async def test_opening_forgets_the_users_expired_sessions(self):
        await self.open(ANN, "phone", 1)
        await self.open(BOB, "phone", 2)
        self.elapse(LIFETIME_MS + 1)
        await self.open(ANN, "laptop", 3)
        self.assertEqual(
            await self.rows("SELECT user_id, device_id FROM session ORDER BY user_id"),
            [(ANN, b"laptop"), (BOB, b"phone")],
        )

    async def test_ending_one_session_says_so_in_the_private_stream(self):
        await self.open(ANN, "phone", 1)
        await self.open(ANN, "laptop", 2)
        event = (await self.end(device_ids=["phone"])).event
        self.assertEqual(
            (event.stream_id, event.seq, event.sender_id, event.content, event.client_id),
            (ANN, 1, 0, b"bye", cid("farewell")),
        )
        self.assertIsNone(await self.by_token(1))
        self.assertIsNotNone(await self.by_token(2))
        self.assertEqual((await self.read(ANN, ANN, after=0)).events, (event,))

    async def test_ending_all_sessions(self):
        await self.open(ANN, "phone", 1)
        await self.open(ANN, "laptop", 2)
        await self.open(BOB, "phone", 3)
        self.assertEqual((await self.end()).event.seq, 1)
        self.assertEqual([await self.by_token(1), await self.by_token(2)], [None, None])
        self.assertIsNotNone(await self.by_token(3))

    async def test_an_old_token_does_not_end_the_sessions_successor(self):
        await self.open(ANN, "phone", 1)
        await self.open(ANN, "laptop", 2)
        await self.open(ANN, "phone", 3)
        self.assertIsNone(await self.end(device_ids=["phone"], token_hash=token(1)))
        self.assertEqual((await self.head(ANN)).last_seq, 0)
        self.assertIsNotNone(await self.by_token(3))
        self.assertIsNone(await self.end(device_ids=["laptop"], token_hash=token(3)))
        self.assertEqual((await self.end(device_ids=["phone"], token_hash=token(3))).event.seq, 1)
        self.assertIsNone(await self.by_token(3))
        self.assertIsNotNone(await self.by_token(2))

    async def test_ending_what_is_not_there_appends_nothing(self):
        await self.open(ANN, "phone", 1)
        self.assertIsNone(await self.end(device_ids=["laptop"]))
        self.assertIsNone(await self.end(device_ids=[]))
        self.assertIsNone(await self.end(user_id=BOB))
        self.assertEqual((await self.head(ANN)).last_seq, 0)
        self.assertIsNotNone(await self.by_token(1))

    async def test_ending_again_with_the_same_farewell_returns_the_same_event(self):
        await self.open()
        first = await self.end()
        self.assertEqual(await self.end(), Ended(first.event, None))
        self.assertEqual((await self.head(ANN)).last_seq, 1)

    async def test_what_was_ended_lies_below_a_generation_and_later_sessions_do_not(self):
        await self.open(ANN, "phone", 1)
        self.elapse(5)
        await self.open(ANN, "laptop", 2)
        generations = [(await self.hello(number, name)).generation for number, name in ((1, "phone"), (2, "laptop"))]
        self.assertEqual((await self.end(device_ids=["phone"])).below_generation, generations[0] + 1)
        ended = await self.end(number="again")
        self.assertEqual(ended.below_generation, generations[1] + 1)
        self.elapse(5)
        await self.open(ANN, "phone", 3)
        self.assertGreaterEqual((await self.hello(3)).generation, ended.below_generation)

    async def test_an_opening_that_comes_late_replaces_no_newer_session(self):
        then = self.now_ms()
        self.elapse(5_000)
        await self.open(number=2)
        with self.assertRaises(Unavailable):
            await self.stores.sessions.open(ANN, device(), token(1), then)
        self.assertIsNone(await self.by_token(1))
        self.assertIsNotNone(await self.by_token(2))

    async def test_a_clock_that_was_far_ahead_keeps_nobody_out(self):
        await self.stores.sessions.open(ANN, device(), token(1), self.now_ms() + HOUR_MS)
        await self.open(number=2)
        self.assertIsNotNone(await self.by_token(2))

    async def test_ending_more_devices_than_one_statement_names(self):
        for number in range(5):
            await self.open(ANN, f"device {number}", number)
        await self.end(device_ids=[f"device {number}" for number in range(1, 600)])
        self.assertEqual(await self.rows("SELECT device_id FROM session"), [(b"device 0",)])
