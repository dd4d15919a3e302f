"""The contract of StreamStore.flush: exactly once, dense, all or nothing."""

from hashlib import sha256

from twisted.internet.defer import Deferred, gatherResults

from imchat.domain.errors import IMError
from imchat.domain.models import Draft, Event, Head, Refused, Stored
from tests.contract.stores import ADDED, ANN, BOB, CAT, TALK, StoreContract, cid, draft


class StreamStoreContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()
        await self.open_direct()

    async def raise_version(self, version=1):
        await self.sql("UPDATE head SET member_version = ? WHERE stream_id = ?", version, TALK)

    # --- places

    async def test_a_stored_event_is_read_back_as_it_was_answered(self):
        self.elapse(5)
        [outcome] = await self.flush(draft(TALK, ANN, 1, b"\x00'\xff"))
        event = Event(TALK, 1, ANN, cid(1), 1, b"\x00'\xff", 1, self.now_ms())
        self.assertEqual(outcome, Stored(event, resent=False))
        self.assertEqual((await self.read(after=0)).events, (event,))

    async def test_numbers_are_dense_in_the_order_given(self):
        numbers = await self.seqs(*(draft(TALK, user_id, n) for n in range(5) for user_id in (BOB, ANN)))
        self.assertEqual(numbers, [(seq, False) for seq in range(1, 11)])
        self.assertEqual(await self.seqs(draft(TALK, ANN, "later")), [(11, False)])

    async def test_streams_count_for_themselves(self):
        await self.open_direct(ANN, CAT, TALK + 1)
        mixed = [draft(TALK + n % 2, ANN, n) for n in range(6)]
        self.assertEqual([seq for seq, _ in await self.seqs(*mixed)], [1, 1, 2, 2, 3, 3])

    async def test_messages_alone_count_as_unread(self):
        drafts = [
            draft(TALK, 0, 1, kind=ADDED),
            draft(TALK, ANN, 2),
            draft(TALK, ANN, 3),
            draft(TALK, 0, 4, kind=ADDED),
        ]
        outcomes = await self.flush(*drafts)
        self.assertEqual([outcome.event.ordinal for outcome in outcomes], [0, 1, 2, 2])
        self.assertEqual(await self.head(), Head(TALK, 4, 3, 2, 0, self.now_ms()))

    async def test_time_never_runs_backwards_in_a_stream(self):
        await self.flush(draft(TALK, ANN, 1))
        before = self.now_ms()
        self.clock.rightNow -= 100
        [outcome] = await self.flush(draft(TALK, ANN, 2))
        self.assertEqual(outcome.event.created_ms, before)
        self.elapse(200_000)
        [outcome] = await self.flush(draft(TALK, ANN, 3))
        self.assertEqual(outcome.event.created_ms, self.now_ms())

    async def test_an_unknown_stream_refuses_alone(self):
        outcomes = await self.flush(draft(77, ANN, 1), draft(TALK, ANN, 1), draft(2**64 - 1, ANN, 1), draft(0, ANN, 1))
        self.assertEqual([outcomes[n] for n in (0, 2, 3)], [Refused("not_found")] * 3)
        self.assertEqual(outcomes[1].event.seq, 1)

    async def test_nothing_to_flush(self):
        self.assertEqual(await self.flush(), ())

    async def test_a_large_batch_over_many_streams(self):
        peers = range(20_000, 20_600)
        for n in peers:
            await self.sql("INSERT INTO head VALUES (?, 0, 0, 0, 0, 0)", n)
        numbers = await self.seqs(*(draft(stream_id, 0, n) for n in range(3) for stream_id in reversed(peers)))
        self.assertEqual(numbers, [(n + 1, False) for n in range(3) for _ in peers])
        heads = await self.stores.streams.heads(peers)
        self.assertEqual({(head.last_seq, head.counted) for head in heads.values()}, {(3, 3)})

    async def test_large_contents(self):
        contents = [bytes([n]) * 300_000 for n in range(4)]
        await self.flush(*(draft(TALK, ANN, n, content) for n, content in enumerate(contents)))
        events = (await self.read(after=0, max_bytes=10_000_000)).events
        self.assertEqual([sha256(e.content).digest() for e in events], [sha256(c).digest() for c in contents])

    # --- exactly once

    async def test_a_resend_gets_the_first_answer(self):
        [first] = await self.flush(draft(TALK, ANN, 1))
        self.elapse(60_000)
        [second] = await self.flush(draft(TALK, ANN, 1))
        self.assertEqual(second, Stored(first.event, resent=True))
        self.assertEqual((await self.head()).last_seq, 1)

    async def test_the_same_id_with_another_content_is_a_conflict(self):
        await self.flush(draft(TALK, ANN, 1))
        self.assertEqual(await self.flush(draft(TALK, ANN, 1, b"other")), [Refused("conflict")])
        self.assertEqual(await self.flush(draft(TALK, ANN, 1, kind=2)), [Refused("conflict")])

    async def test_the_same_id_of_another_sender_or_stream_is_another_event(self):
        await self.open_direct(ANN, CAT, TALK + 1)
        drafts = (draft(TALK, ANN, 1), draft(TALK, BOB, 1), draft(TALK + 1, ANN, 1))
        self.assertEqual(await self.seqs(*drafts), [(1, False), (2, False), (1, False)])

    async def test_the_same_id_twice_in_a_batch(self):
        outcomes = await self.flush(draft(TALK, ANN, 1), draft(TALK, ANN, 1), draft(TALK, ANN, 1, b"other"))
        self.assertEqual(outcomes, [outcomes[0], Stored(outcomes[0].event, resent=True), Refused("conflict")])
        self.assertEqual((await self.head()).last_seq, 1)

    async def test_what_follows_resends_is_numbered_without_holes(self):
        await self.seqs(draft(TALK, ANN, 1), draft(TALK, BOB, 1))
        drafts = (draft(TALK, ANN, 2), draft(TALK, BOB, 1), draft(TALK, ANN, 1), draft(TALK, ANN, 3))
        self.assertEqual(await self.seqs(*drafts), [(3, False), (2, True), (1, True), (4, False)])
        self.assertEqual(await self.head(), Head(TALK, 4, 4, 4, 0, self.now_ms()))
        self.assertEqual([e.seq for e in (await self.read(after=0)).events], [1, 2, 3, 4])

    async def test_many_resends_in_one_batch(self):
        drafts = [draft(TALK, ANN, n) for n in range(300)]
        await self.flush(*drafts)
        numbers = await self.seqs(*drafts, draft(TALK, ANN, "new"))
        self.assertEqual(numbers, [*((n + 1, True) for n in range(300)), (301, False)])

    async def test_concurrent_flushes_share_one_sequence(self):
        batches = [[draft(TALK, ANN, (b, n)) for n in range(5)] for b in range(6)]
        done = await gatherResults([Deferred.fromCoroutine(self.seqs(*batch)) for batch in batches])
        self.assertEqual(sorted(seq for batch in done for seq, _ in batch), list(range(1, 31)))

    # --- refusals

    async def test_a_refused_draft_is_only_looked_up(self):
        [stored] = await self.flush(draft(TALK, ANN, 1))
        outcomes = await self.flush(
            draft(TALK, ANN, 1, refusal="forbidden"),
            draft(TALK, ANN, 2, refusal="rate_limited"),
            draft(TALK, ANN, 1, b"other", refusal="forbidden"),
            draft(77, ANN, 1, refusal="forbidden"),
        )
        self.assertEqual(
            outcomes,
            [Stored(stored.event, resent=True), Refused("rate_limited"), Refused("conflict"), Refused("forbidden")],
        )
        self.assertEqual((await self.head()).last_seq, 1)

    async def test_a_refused_draft_that_precedes_its_equal_does_not_hide_it(self):
        outcomes = await self.flush(draft(TALK, ANN, 1, refusal="rate_limited"), draft(TALK, ANN, 1))
        self.assertEqual([type(outcome) for outcome in outcomes], [Refused, Stored])

    async def test_permission_is_checked_again_when_the_membership_changed(self):
        await self.raise_version()
        asked = []

        def permit(draft, membership):
            asked.append((draft.sender_id, membership.version, sorted(membership.members)))
            return None if draft.sender_id == ANN else "forbidden"

        drafts = [draft(TALK, ANN, 1), draft(TALK, CAT, 1), draft(TALK, ANN, 2, member_version=1)]
        result = await self.stores.streams.flush(drafts, permit)
        self.assertEqual([type(outcome) for outcome in result.outcomes], [Stored, Refused, Stored])
        self.assertEqual(result.outcomes[1], Refused("forbidden"))
        self.assertIn((ANN, 1, [ANN, BOB]), asked)
        self.assertIn((CAT, 1, [ANN, BOB]), asked)
        self.assertEqual(result.reloaded[TALK].version, 1)

    async def test_no_check_while_the_membership_is_the_same(self):
        def permit(draft, membership):
            raise AssertionError("asked")

        result = await self.stores.streams.flush([draft(TALK, ANN, 1)], permit)
        self.assertEqual((type(result.outcomes[0]), result.reloaded), (Stored, {}))

    async def test_the_servers_own_events_need_no_permission(self):
        await self.raise_version()
        result = await self.stores.streams.flush([draft(TALK, 0, 1)], lambda *_: "forbidden")
        self.assertEqual((result.outcomes[0].event.seq, result.reloaded), (1, {}))
        result = await self.stores.streams.flush([draft(TALK, ANN, 2), draft(TALK, 0, 3)], lambda *_: "forbidden")
        self.assertEqual([type(outcome) for outcome in result.outcomes], [Refused, Stored])

    async def test_a_resend_is_answered_also_where_permission_is_gone(self):
        [first] = await self.flush(draft(TALK, BOB, 1))
        await self.raise_version()
        outcomes = await self.flush(draft(TALK, BOB, 1), draft(TALK, BOB, 2), permit=lambda *_: "forbidden")
        self.assertEqual(outcomes, [Stored(first.event, resent=True), Refused("forbidden")])

    async def test_no_person_has_a_place_in_anothers_private_stream_by_a_wrong_version(self):
        self.assertEqual(await self.flush(draft(BOB, ANN, 1, member_version=3)), [Refused("not_found")])

    # --- all or nothing

    async def test_one_bad_event_breaks_the_batch_and_leaves_nothing(self):
        bad = Draft(TALK, ANN, cid("bad"), 1, None, b"digest")
        failed = await self.fails(
            self.flush(draft(TALK, ANN, 1), bad, draft(BOB, 0, 1)), TypeError, AttributeError, *self.refused_by_driver
        )
        self.assertNotIsInstance(failed, IMError)
        self.assertEqual([(await self.head()).last_seq, (await self.head(BOB)).last_seq], [0, 0])
        self.assertEqual(await self.seqs(draft(TALK, ANN, 1)), [(1, False)])

    async def test_a_failing_permit_breaks_the_batch_and_leaves_nothing(self):
        await self.raise_version()
        await self.fails(self.flush(draft(TALK, ANN, 1), permit=lambda *_: 1 / 0), ZeroDivisionError)
        self.assertEqual((await self.head()).last_seq, 0)

    async def test_heads_of_those_that_exist(self):
        heads = await self.stores.streams.heads([TALK, ANN, 77, 2**64 - 1, 0])
        self.assertEqual(set(heads), {TALK, ANN})
        self.assertEqual(await self.stores.streams.heads([]), {})
