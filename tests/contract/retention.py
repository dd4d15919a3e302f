"""The contract of RetentionStore: content goes, sequences, resends and unread numbers stay true."""

from twisted.internet.defer import Deferred, gatherResults

from imchat.domain.content import ContentKind, Text
from imchat.domain.models import EventState
from imchat.store.sql import retention
from imchat.store.sql.retention import EVENTS_AT_ONCE
from tests.contract.own_states import CODEC, OwnStateCase
from tests.contract.stores import ANN, BOB, TALK, draft

PICTURE = ContentKind.PICTURE


class RetentionContract(OwnStateCase):
    async def expire(self, before_ms=None, kind=ContentKind.TEXT):
        """Do all that is due; return how many messages went in each step that emptied any."""
        steps, from_id = [], 1
        gone = await self.gone()
        before_ms = self.now_ms() if before_ms is None else before_ms
        while (from_id := await self.stores.retention.expire(kind, before_ms, from_id)) is not None:
            before, gone = gone, await self.gone()
            steps += [gone - before] if gone > before else []
        return steps

    async def gone(self):
        ((count,),) = await self.rows("SELECT COUNT(*) FROM event WHERE state = 3")
        return count

    async def contents(self, stream_id=TALK):
        rows = await self.rows("SELECT content, state FROM event WHERE stream_id = ? ORDER BY seq", stream_id)
        return [(bytes(content), state) for content, state in rows]

    async def test_what_is_old_is_emptied_and_keeps_its_place(self):
        await self.say(2)
        self.elapse(1_000)
        limit_ms = self.now_ms()
        await self.say()
        self.assertEqual(await self.expire(limit_ms), [2])
        kept = CODEC.encode(Text("m3"))
        self.assertEqual(await self.contents(), [(b"", 3), (b"", 3), (kept, 0)])
        found = await self.read(reader_id=ANN, after=0)
        self.assertEqual(
            [(e.seq, e.ordinal, e.sender_id) for e in found.events], [(1, 1, BOB), (2, 2, BOB), (3, 3, BOB)]
        )
        self.assertEqual(((await self.one()).unread, (await self.head()).counted), (3, 3))

    async def test_a_resend_is_known_still(self):
        await self.flush(draft(TALK, ANN, 7, b"secret"))
        self.elapse(1)
        await self.expire()
        self.assertEqual(await self.seqs(draft(TALK, ANN, 7, b"secret"), draft(TALK, ANN, 8)), [(1, True), (2, False)])

    async def test_one_kind_alone(self):
        await self.flush(
            draft(TALK, ANN, 1, b"text"), draft(TALK, ANN, 2, b"picture", PICTURE), draft(TALK, 0, 3, b"line", 96)
        )
        self.elapse(1)
        await self.expire(kind=PICTURE)
        self.assertEqual(await self.contents(), [(b"text", 0), (b"", 3), (b"line", 0)])
        await self.expire()
        self.assertEqual(await self.contents(), [(b"", 3), (b"", 3), (b"line", 0)])

    async def test_an_edited_one_goes_too_and_a_recalled_one_stays_recalled(self):
        await self.say(2)
        await self.sql("UPDATE event SET state = 1, changed_seq = 3 WHERE stream_id = ? AND seq = 1", TALK)
        await self.sql("UPDATE event SET state = 2, content = ? WHERE stream_id = ? AND seq = 2", b"", TALK)
        self.elapse(1)
        await self.expire()
        self.assertEqual(await self.contents(), [(b"", EventState.EXPIRED), (b"", EventState.RECALLED)])

    async def test_a_reply_quotes_one_that_is_no_longer_kept_without_its_content(self):
        await self.say()
        self.elapse(1)
        await self.expire()
        [outcome] = await self.flush(draft(TALK, ANN, 1, b"answer", target=1))
        for event in (outcome.event, (await self.read(reader_id=ANN, after=1)).events[0]):
            self.assertEqual((event.quote.seq, event.quote.content, event.quote.state), (1, b"", EventState.EXPIRED))

    async def test_in_every_conversation_and_in_bounded_steps(self):
        await self.talks(2)
        rows = [draft(TALK, BOB, f"old {n}") for n in range(EVENTS_AT_ONCE + 1)]
        await self.flush(*rows)
        self.elapse(1)
        self.assertEqual(await self.expire(), [EVENTS_AT_ONCE, 1, 1, 1])
        for stream_id in (TALK, TALK + 1, TALK + 2):
            self.assertEqual({content for content, _ in await self.contents(stream_id)}, {b""})
        self.assertEqual(await self.expire(), [])
        await self.say()
        self.elapse(1)
        self.assertEqual(await self.expire(), [1])

    async def test_more_conversations_than_one_step_looks_at(self):
        self.patch(retention, "CONVERSATIONS_AT_ONCE", 2)
        await self.talks(7)
        self.elapse(1)
        self.assertEqual(await self.expire(), [1] * 7)

    async def test_private_streams_are_left_alone(self):
        await self.flush(draft(ANN, 0, 1, b"kept", ContentKind.TEXT))
        self.elapse(1)
        self.assertEqual(await self.expire(), [])
        self.assertEqual(await self.contents(ANN), [(b"kept", 0)])

    async def test_one_takes_the_job(self):
        take = self.stores.retention.take
        self.assertEqual(
            [await take("a", 10, 20), await take("a", 15, 25), await take("a", 19, 30)], [True, False, False]
        )
        self.assertEqual(
            [await take("a", 20, 30), await take("a", 20, 30), await take("b", 20, 30)], [True, False, True]
        )

    async def test_many_want_it_at_once(self):
        calls = [Deferred.fromCoroutine(self.stores.retention.take("a", 10, 20)) for _ in range(8)]
        self.assertEqual(sum(await gatherResults(calls)), 1)
