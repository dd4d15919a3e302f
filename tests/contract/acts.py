"""The contract of acts and replies: judged under the lock, stored with what they change, read as they stand."""

from twisted.internet.defer import Deferred, gatherResults

from imchat.domain.acts import EDIT_MS, MAX_OWN_REACTIONS, MAX_REACTION_KINDS, RECALL_MS
from imchat.domain.models import EventState, Reaction, Refused, Stored
from tests.contract.stores import ADDED, ANN, BOB, CAT, TALK, StoreContract, draft

RECALLED, EDITED, REACTED, PICTURE = 32, 33, 34, 3
NORMAL, CHANGED, GONE, EXPIRED = EventState
THUMB = "👍"


def recall(sender_id, number, seq, **more):
    return draft(TALK, sender_id, number, b"recall %d" % seq, RECALLED, target=seq, **more)


def edit(sender_id, number, seq, text=b"other", **more):
    return draft(TALK, sender_id, number, b"edit %d " % seq + text, EDITED, target=seq, replacement=text, **more)


def react(sender_id, number, seq, emoji=THUMB, removed=False):
    content = b"react %d %d " % (seq, removed) + emoji.encode()
    return draft(TALK, sender_id, number, content, REACTED, target=seq, emoji=emoji.encode(), removed=removed)


def reply(sender_id, number, seq, text=b"answer"):
    return draft(TALK, sender_id, number, text, target=seq)


class ActsCase(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()
        await self.open_direct()

    async def say(self, *texts, sender_id=ANN):
        await self.seqs(*(draft(TALK, sender_id, text, text) for text in texts))

    async def codes(self, *drafts):
        """The codes of the refusals, None for what was stored."""
        return [one.code if isinstance(one, Refused) else None for one in await self.flush(*drafts)]

    async def event(self, seq, reader_id=ANN, **more):
        """An event as it is read, None where it is not shown."""
        found = await self.stores.streams.read(
            TALK, reader_id, after=seq - 1, before=seq + 1, limit=1, max_bytes=1, **more
        )
        return found.events[0] if found.events else None

    async def state(self, seq):
        event = await self.event(seq)
        return event.content, event.state, event.changed_seq

    async def reading(self, user_id):
        query = "SELECT read_seq, read_ordinal, mention_seq FROM reading WHERE conversation_id = ? AND user_id = ?"
        rows = await self.rows(query, TALK, user_id)
        return tuple(rows[0]) if rows else None


class ActsContract(ActsCase):
    # --- recall

    async def test_a_recall_empties_its_message_and_is_an_event_that_counts_for_nobody(self):
        await self.say(b"oops")
        [outcome] = await self.flush(recall(ANN, "r", 1))
        event = outcome.event
        self.assertEqual((event.seq, event.kind, event.ordinal, event.target_seq), (2, RECALLED, 1, 1))
        target = event.target
        self.assertEqual((target.seq, target.content, target.state, target.changed_seq), (1, b"", GONE, 2))
        self.assertEqual(await self.state(1), (b"", GONE, 2))
        head = await self.head()
        self.assertEqual((head.last_seq, head.last_message_seq, head.counted), (2, 1, 1))

    async def test_a_recall_takes_the_reactions_with_it(self):
        await self.say(b"oops", b"kept")
        await self.codes(react(BOB, 1, 1), react(BOB, 2, 2))
        await self.seqs(recall(ANN, "r", 1))
        self.assertEqual((await self.event(1)).reactions, ())
        self.assertEqual((await self.event(2)).reactions, (Reaction(THUMB, 1, False),))
        self.assertEqual(len(await self.rows("SELECT 1 FROM reaction")), 1)

    async def test_a_message_can_be_recalled_for_two_minutes(self):
        await self.say(b"one", b"two")
        self.elapse(RECALL_MS)
        self.assertEqual(await self.codes(recall(ANN, 1, 1)), [None])
        self.elapse(1)
        self.assertEqual(await self.codes(recall(ANN, 2, 2)), ["too_late"])
        self.assertEqual(await self.state(2), (b"two", NORMAL, 0))

    # --- edit

    async def test_an_edit_changes_its_message_and_is_an_event_that_counts_for_nobody(self):
        await self.say(b"helo")
        [outcome] = await self.flush(edit(ANN, "e", 1, b"hello"))
        event = outcome.event
        self.assertEqual((event.seq, event.kind, event.ordinal), (2, EDITED, 1))
        self.assertEqual((event.target.content, event.target.state), (b"hello", CHANGED))
        self.assertEqual(await self.state(1), (b"hello", CHANGED, 2))
        self.assertEqual((await self.event(2)).target, await self.event(1))
        await self.seqs(edit(ANN, "e2", 1, b"hello!"))
        self.assertEqual(await self.state(1), (b"hello!", CHANGED, 3))
        # The older one goes out with what stands there now: the text between is nowhere.
        self.assertEqual((await self.event(2)).target.content, b"hello!")

    async def test_a_message_can_be_edited_for_fifteen_minutes(self):
        await self.say(b"one")
        self.elapse(EDIT_MS)
        self.assertEqual(await self.codes(edit(ANN, 1, 1)), [None])
        self.elapse(1)
        self.assertEqual(await self.codes(edit(ANN, 2, 1)), ["too_late"])

    # --- who may not

    async def test_what_is_anothers_not_there_or_no_message(self):
        await self.say(b"anns")
        await self.seqs(draft(TALK, 0, "line", kind=96), draft(TALK, ANN, "picture", kind=PICTURE))
        await self.open_direct(ANN, CAT, TALK + 1)
        await self.seqs(*(draft(TALK + 1, CAT, n) for n in range(9)))
        others = (recall(BOB, 1, 1), edit(BOB, 2, 1), edit(ANN, 3, 3))
        self.assertEqual(await self.codes(*others), ["forbidden"] * 3)
        for seq in (2, 5, 9, -1, 2**53, 2**63, 2**64 - 1):
            drafts = (recall(ANN, 1, seq), edit(ANN, 2, seq), react(ANN, 3, seq), reply(ANN, 4, seq))
            self.assertEqual(await self.codes(*drafts), ["not_found"] * 4, seq)
        self.assertEqual((await self.head()).last_seq, 3)

    async def test_what_is_gone_is_not_changed_any_more(self):
        await self.say(b"one", b"two")
        await self.seqs(recall(ANN, "r", 1))
        await self.sql("UPDATE event SET state = ?, content = ? WHERE seq = 2", int(EXPIRED), b"")
        self.assertEqual(await self.codes(recall(ANN, 1, 1), recall(ANN, 2, 2)), ["unchanged", "too_late"])
        for number, seq in enumerate((1, 2)):
            refused = await self.codes(edit(ANN, (3, number), seq), react(BOB, (4, number), seq))
            self.assertEqual(refused, ["too_late"] * 2)

    async def test_an_act_on_an_act_is_refused(self):
        await self.say(b"one")
        await self.seqs(react(ANN, 1, 1))
        drafts = (recall(ANN, 2, 2), react(ANN, 3, 2), reply(ANN, 4, 2))
        self.assertEqual(await self.codes(*drafts), ["not_found"] * 3)

    # --- reactions

    async def test_reactions_are_counted_and_ones_own_is_marked(self):
        await self.say(b"one")
        await self.seqs(react(ANN, 1, 1), react(BOB, 2, 1), react(BOB, 3, 1, "🎉"))
        self.assertEqual((await self.event(1, ANN)).reactions, (Reaction(THUMB, 2, True), Reaction("🎉", 1, False)))
        self.assertEqual((await self.event(1, BOB)).reactions, (Reaction(THUMB, 2, True), Reaction("🎉", 1, True)))
        self.assertEqual(await self.state(1), (b"one", NORMAL, 4))
        self.assertIsNone((await self.event(2)).target)
        await self.seqs(react(BOB, 4, 1, removed=True))
        self.assertEqual((await self.event(1, BOB)).reactions, (Reaction("🎉", 1, True), Reaction(THUMB, 1, False)))
        self.assertEqual(await self.state(1), (b"one", NORMAL, 5))

    async def test_what_is_so_already_is_unchanged(self):
        await self.say(b"one")
        first = await self.codes(react(ANN, 1, 1), react(ANN, 2, 1), react(BOB, 3, 1, removed=True))
        self.assertEqual(first, [None, "unchanged", "unchanged"])
        self.assertEqual(await self.codes(react(ANN, 4, 1)), ["unchanged"])
        self.assertEqual((await self.head()).last_seq, 2)

    async def test_one_person_reacts_in_at_most_so_many_ways(self):
        await self.say(b"one")
        await self.seqs(*(react(ANN, n, 1, chr(0x1F600 + n)) for n in range(MAX_OWN_REACTIONS)))
        self.assertEqual(await self.codes(react(ANN, "more", 1)), ["too_many"])
        outcomes = await self.codes(react(ANN, "less", 1, chr(0x1F600), removed=True), react(ANN, "more", 1))
        self.assertEqual(outcomes, [None, None])

    async def test_a_message_has_at_most_so_many_kinds_of_reactions(self):
        await self.say(b"one")
        for n in range(MAX_REACTION_KINDS):
            row = (TALK, 1, chr(0x1F600 + n).encode(), 7_000 + n)
            await self.sql("INSERT INTO reaction (stream_id, seq, emoji, user_id) VALUES (?, ?, ?, ?)", *row)
        outcomes = await self.codes(react(ANN, 1, 1), react(ANN, 2, 1, chr(0x1F600)))
        self.assertEqual(outcomes, ["too_many", None])

    # --- several in one flush

    async def test_acts_in_one_flush_follow_each_other(self):
        outcomes = await self.flush(
            draft(TALK, ANN, "m", b"one"),
            react(BOB, 1, 1),
            edit(ANN, 2, 1, b"two"),
            react(BOB, 3, 1, removed=True),
            react(BOB, 4, 1, "🎉"),
            edit(ANN, 5, 1, b"three"),
            reply(BOB, 6, 1),
        )
        self.assertEqual([outcome.event.seq for outcome in outcomes], list(range(1, 8)))
        self.assertEqual(outcomes[0].event.content, b"one")
        self.assertEqual([outcomes[n].event.target.content for n in (2, 5)], [b"two", b"three"])
        self.assertEqual(outcomes[6].event.quote.content, b"three")
        self.assertEqual(await self.state(1), (b"three", CHANGED, 6))
        self.assertEqual((await self.event(1)).reactions, (Reaction("🎉", 1, False),))

    async def test_a_recall_in_the_same_flush_leaves_nothing(self):
        outcomes = await self.codes(
            draft(TALK, ANN, "m", b"one"), react(BOB, 1, 1), recall(ANN, 2, 1), react(BOB, 3, 1), edit(ANN, 4, 1)
        )
        self.assertEqual(outcomes, [None, None, None, "too_late", "too_late"])
        self.assertEqual(await self.state(1), (b"", GONE, 3))
        self.assertEqual(await self.rows("SELECT 1 FROM reaction"), [])

    async def test_set_and_taken_away_in_one_flush_leaves_what_was(self):
        await self.say(b"one")
        await self.seqs(react(BOB, 1, 1))
        again = [react(BOB, (n, removed), 1, removed=removed) for n in range(3) for removed in (True, False)]
        await self.seqs(*again, react(ANN, 2, 1), react(ANN, 3, 1, removed=True))
        self.assertEqual((await self.event(1)).reactions, (Reaction(THUMB, 1, False),))

    async def test_of_two_at_once_one_is_stored(self):
        await self.say(b"one")
        work = [Deferred.fromCoroutine(self.codes(recall(ANN, n, 1))) for n in range(4)]
        codes = [code for codes in await gatherResults(work) for code in codes]
        self.assertEqual(sorted(map(str, codes)), ["None", *["unchanged"] * 3])

    async def test_acts_on_many_messages_in_one_flush(self):
        await self.say(*(b"%d" % n for n in range(150)))
        await self.seqs(*(react(BOB, n, n + 1) for n in range(150)), *(edit(ANN, n, n + 1) for n in range(150)))
        events = (await self.read(after=0, limit=150)).events
        self.assertEqual({(e.content, e.reactions) for e in events}, {(b"other", (Reaction(THUMB, 1, False),))})

    # --- resends

    async def test_a_resend_of_an_act_is_answered_before_any_refusal(self):
        await self.say(b"one")
        acts = (react(BOB, 1, 1), edit(ANN, 2, 1), recall(ANN, 3, 1))
        first = await self.flush(*acts)
        self.elapse(EDIT_MS * 2)
        again = await self.flush(*acts)
        self.assertEqual([(one.event.seq, one.resent) for one in again], [(2, True), (3, True), (4, True)])
        self.assertEqual(again[2], Stored(first[2].event, resent=True))
        # What an edit is sent on with is what stands there now.
        self.assertEqual(again[1].event.target.state, GONE)
        self.assertEqual(await self.codes(react(BOB, 1, 1, "🎉"), edit(ANN, 2, 1, b"else")), ["conflict"] * 2)

    async def test_a_resend_of_a_message_that_was_edited_or_recalled_is_still_the_same(self):
        await self.say(b"one", b"two")
        await self.seqs(edit(ANN, "e", 1), recall(ANN, "r", 2))
        again = await self.flush(draft(TALK, ANN, b"one", b"one"), draft(TALK, ANN, b"two", b"two"))
        self.assertEqual([(one.event.seq, one.resent) for one in again], [(1, True), (2, True)])
        self.assertEqual([one.event.content for one in again], [b"other", b""])
        changed = (draft(TALK, ANN, b"one", b"other"), draft(TALK, ANN, b"two", b""))
        self.assertEqual(await self.codes(*changed), ["conflict", "conflict"])

    async def test_a_resend_beside_new_ones(self):
        await self.say(b"one")
        await self.seqs(react(BOB, 1, 1))
        outcomes = await self.seqs(
            draft(TALK, ANN, b"one", b"one"), react(BOB, 1, 1), edit(ANN, 2, 1), reply(BOB, 3, 1)
        )
        self.assertEqual(outcomes, [(1, True), (2, True), (3, False), (4, False)])

    async def test_a_refused_act_is_only_looked_up(self):
        await self.say(b"one")
        refused = recall(ANN, 1, 1, refusal="rate_limited")
        self.assertEqual(await self.codes(refused), ["rate_limited"])
        self.assertEqual(await self.state(1), (b"one", NORMAL, 0))

    # --- replies

    async def test_a_reply_quotes_what_it_replies_to(self):
        await self.say(b"question")
        [outcome] = await self.flush(reply(BOB, 1, 1))
        self.assertEqual((outcome.event.quote.content, outcome.event.ordinal), (b"question", 2))
        self.assertEqual(await self.event(2), outcome.event)
        await self.seqs(edit(ANN, "e", 1, b"corrected"))
        self.assertEqual((await self.event(2)).quote.content, b"corrected")
        await self.seqs(recall(ANN, "r", 1))
        quote = (await self.event(2)).quote
        self.assertEqual((quote.seq, quote.content, quote.state), (1, b"", GONE))
        self.assertEqual(await self.codes(reply(BOB, 2, 1)), [None])

    async def test_no_reply_to_itself_or_to_what_comes(self):
        await self.say(b"one")
        self.assertEqual(await self.codes(reply(ANN, 1, 2), reply(ANN, 2, 3)), ["not_found"] * 2)
        self.assertEqual(
            await self.codes(reply(ANN, 3, 3), reply(ANN, 4, 1), reply(ANN, 5, 2)), ["not_found", None, None]
        )


class PositionsContract(ActsCase):
    async def test_a_message_moves_its_senders_position(self):
        await self.say(b"one", b"two")
        await self.say(b"three", sender_id=BOB)
        self.assertEqual(await self.reading(ANN), (2, 2, 0))
        self.assertEqual(await self.reading(BOB), (3, 3, 0))
        await self.seqs(react(BOB, 1, 1), draft(TALK, ANN, "late"))
        self.assertEqual(await self.reading(ANN), (5, 4, 0))
        self.assertEqual((await self.head()).counted, 4)

    async def test_acts_system_lines_and_private_streams_move_none(self):
        await self.say(b"one", sender_id=BOB)
        await self.seqs(react(ANN, 1, 1), draft(TALK, 0, 2, kind=96), draft(TALK, 0, 3), draft(ANN, 0, 4, kind=ADDED))
        self.assertIsNone(await self.reading(ANN))
        self.assertEqual(len(await self.rows("SELECT 1 FROM reading")), 1)

    async def test_a_position_never_goes_back_and_the_rest_of_the_row_stays(self):
        await self.sql(
            "INSERT INTO reading (conversation_id, user_id, read_seq, read_ordinal, mention_seq, muted)"
            " VALUES (?, ?, 90, 80, 70, 1)",
            TALK,
            ANN,
        )
        await self.seqs(draft(TALK, ANN, 1, mentions=(ANN,)))
        self.assertEqual(await self.reading(ANN), (90, 80, 70))
        self.assertEqual(await self.rows("SELECT muted FROM reading WHERE user_id = ?", ANN), [(1,)])

    async def test_mentions_are_marked_where_the_message_stands(self):
        await self.seqs(draft(TALK, ANN, 1), draft(TALK, ANN, 2, mentions=(BOB,)), draft(TALK, ANN, 3))
        self.assertEqual(await self.reading(BOB), (0, 0, 2))
        await self.seqs(edit(ANN, 4, 3, mentions=(BOB,)))
        self.assertEqual(await self.reading(BOB), (0, 0, 3))
        await self.seqs(draft(TALK, BOB, 5))
        self.assertEqual(await self.reading(BOB), (5, 4, 3))

    async def test_refused_and_resent_messages_move_nothing(self):
        await self.say(b"one")
        await self.say(b"two", sender_id=BOB)
        await self.codes(draft(TALK, ANN, b"one", b"one"), draft(TALK, ANN, "x", refusal="forbidden"), reply(ANN, 1, 9))
        self.assertEqual(await self.reading(ANN), (1, 1, 0))

    async def test_many_senders_in_one_flush(self):
        peers = range(20_000, 20_300)
        await self.seqs(*(draft(TALK, peer, peer, mentions=(ANN,)) for peer in peers))
        self.assertEqual(len(await self.rows("SELECT 1 FROM reading")), 301)
        self.assertEqual(await self.reading(20_299), (300, 300, 0))
        self.assertEqual(await self.reading(ANN), (0, 0, 300))


class HiddenContract(ActsCase):
    """What a reader does not see goes out with nothing else."""

    async def see_from(self, user_id, seq):
        await self.sql("UPDATE period SET from_seq = ? WHERE conversation_id = ? AND user_id = ?", seq, TALK, user_id)

    async def delete(self, *seqs, user_id=BOB):
        for seq in seqs:
            await self.sql("INSERT INTO deletion VALUES (?, ?, ?)", user_id, TALK, seq)

    async def clear(self, seq, user_id=BOB):
        insert = "INSERT INTO reading (conversation_id, user_id, cleared_seq) VALUES (?, ?, ?)"
        await self.sql(insert, TALK, user_id, seq)

    async def shown(self, reader_id=BOB, **bounds):
        found = await self.read(reader_id=reader_id, **bounds)
        return found.from_seq, found.to_seq, [event.seq for event in found.events]

    async def test_quotes_and_targets_only_of_what_the_reader_sees(self):
        await self.say(b"one", b"two")
        await self.seqs(reply(ANN, 1, 1), edit(ANN, 2, 1), reply(ANN, 3, 2))
        await self.see_from(BOB, 2)
        self.assertEqual([(await self.event(seq, BOB)).quote for seq in (3,)], [None])
        self.assertIsNone((await self.event(4, BOB)).target)
        self.assertEqual((await self.event(5, BOB)).quote.seq, 2)
        self.assertEqual((await self.event(3, ANN)).quote.seq, 1)

    async def test_what_was_deleted_for_oneself_is_left_out(self):
        await self.say(b"one", b"two", b"three")
        await self.seqs(reply(ANN, 1, 2))
        await self.delete(2)
        self.assertEqual(await self.shown(after=0), (1, 4, [1, 3, 4]))
        self.assertIsNone((await self.event(4, BOB)).quote)
        self.assertEqual(await self.shown(ANN, after=0), (1, 4, [1, 2, 3, 4]))
        self.assertEqual((await self.event(4, ANN)).quote.seq, 2)

    async def test_a_node_that_fetches_for_all_gets_it(self):
        await self.say(b"one", b"two")
        await self.delete(1)
        await self.clear(2)
        self.assertEqual(await self.shown(after=0), (1, 2, []))
        self.assertEqual((await self.event(1, BOB, for_others=True)).content, b"one")

    async def test_pages_go_on_behind_what_was_deleted(self):
        await self.say(*(b"%d" % n for n in range(1, 11)))
        await self.delete(3, 4, 5, 10)
        self.assertEqual(await self.shown(after=2, limit=2), (3, 4, []))
        self.assertEqual(await self.shown(after=4, limit=2), (5, 6, [6]))
        self.assertEqual(await self.shown(before=100, limit=1), (10, 10, []))
        self.assertEqual(await self.shown(before=6, limit=2), (4, 5, []))
        self.assertEqual(await self.shown(after=0, limit=4, max_bytes=1), (1, 1, [1]))

    async def test_a_cleared_conversation_begins_behind(self):
        await self.say(*(b"%d" % n for n in range(1, 6)))
        await self.clear(3)
        self.assertEqual(await self.shown(after=0), (1, 5, [4, 5]))
        self.assertEqual(await self.shown(before=100, limit=2), (1, 5, [4, 5]))
        self.assertEqual(await self.shown(before=4), (1, 3, []))
        await self.see_from(BOB, 5)
        self.assertEqual(await self.shown(after=0), (1, 5, [5]))

    async def test_what_goes_out_with_events_counts_as_theirs(self):
        await self.say(b"x" * 500)
        edits = [draft(TALK, ANN, n, b"edit", EDITED, target=1, replacement=b"%d" % n * 500) for n in range(2)]
        await self.seqs(*edits)
        found = await self.read(after=1, max_bytes=700)
        self.assertEqual([event.seq for event in found.events], [2])
