"""The mirror: lists and events, in whatever order and however often, show what is true."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.client import mirror
from imchat.client.inbox import Received
from imchat.domain.messages import Text
from imchat.domain.models import EventState, Reaction
from imchat.domain.notes import ConversationAdded
from imchat.domain.people import RequestState
from tests.fakes.mirror_truth import ME, OTHER, Truth, card

numbers, seqs = st.sampled_from([100, 200]), st.integers(1, 12)
people = st.sampled_from([3, 4])
ACTIONS = st.one_of(
    st.tuples(st.just("say"), numbers, st.sampled_from([ME, OTHER]), st.integers(0, 12), st.booleans()),
    st.tuples(st.just("say"), numbers, st.just(OTHER), st.integers(0, 12), st.booleans()),
    st.tuples(st.just("edit"), numbers, seqs),
    st.tuples(st.just("recall"), numbers, seqs),
    st.tuples(st.just("react"), numbers, seqs, st.sampled_from([ME, OTHER]), st.sampled_from("ab")),
    st.tuples(st.just("read"), numbers, seqs),
    st.tuples(st.just("delete"), numbers, st.lists(seqs, max_size=2)),
    st.tuples(st.just("clear"), numbers, st.integers(1, 5)),
    st.tuples(st.just("decide"), numbers, st.booleans(), st.booleans(), st.booleans()),
    st.tuples(st.just("contact"), people, st.booleans(), st.booleans()),
    st.tuples(st.just("request"), people, st.booleans(), st.sampled_from(RequestState)),
    st.tuples(st.just("rename")),
)


def act(truth, actions):
    for name, *arguments in actions:
        getattr(truth, name)(*arguments)


def shown(state, number):
    """What a device shows of a conversation."""
    talk = state.talk(number)
    newest = mirror.newest(state, number)
    return {
        "unread": talk.unread,
        "mentioned": talk.mentioned,
        "pinned_ms": talk.pinned_ms,
        "muted": talk.muted,
        "hidden": talk.hidden,
        "read_seq": talk.read_seq,
        "newest": newest and newest.seq,
        "messages": [plain(m) for m in mirror.messages(state, number)],
    }


def plain(message):
    quote = message.quote
    return (
        message.seq,
        message.content,
        message.state,
        message.reactions,
        quote and (quote.seq, quote.content, quote.state),
    )


def true(truth, number):
    talk = truth.talks[number]
    messages = talk.shown()
    own = talk.own
    return {
        "unread": talk.counted - talk.read[1],
        "mentioned": talk.mention_seq > talk.read[0],
        "pinned_ms": own.pinned_ms,
        "muted": own.muted,
        "hidden": own.hidden_seq > 0 and talk.last_message_seq <= own.hidden_seq,
        "read_seq": talk.read[0],
        "newest": talk.last_message_seq if talk.last_message_seq and talk.sees(talk.last_message_seq) else None,
        "messages": [plain(m) for m in messages],
    }


class Mirrors(SynchronousTestCase):
    def test_a_text_of_another_is_unread_until_it_is_read_anywhere(self):
        truth = Truth()
        state = mirror.merge(mirror.MirrorState(ME), truth.snapshot())
        truth.say(100, OTHER, mention=True)
        truth.say(100, OTHER)
        state = self.applied(state, truth)
        self.assertEqual((state.talk(100).unread, state.talk(100).mentioned), (2, True))
        truth.read(100, 2)
        state = self.applied(state, truth)
        self.assertEqual((state.talk(100).unread, state.talk(100).mentioned), (1, False))

    def test_an_edit_can_mention(self):
        truth = Truth()
        truth.say(100, OTHER)
        state = self.applied(mirror.merge(mirror.MirrorState(ME), truth.snapshot()), truth)
        truth.edit(100, 2, mention=True)
        state = self.applied(state, truth)
        self.assertTrue(state.talk(100).mentioned)
        truth.read(100, 3)
        self.assertFalse(self.applied(state, truth).talk(100).mentioned)

    def test_an_edit_that_was_edited_again_before_it_was_read_is_asked_for(self):
        truth = Truth()
        truth.say(100, OTHER)
        state = self.applied(mirror.merge(mirror.MirrorState(ME), truth.snapshot()), truth)
        truth.edit(100, 2, mention=True)
        edit = replace(truth.pushed[-1], target=replace(truth.pushed[-1].target, content=Text("again"), changed_seq=9))
        self.assertIn(100, mirror.apply(state, edit).stale)

    def test_a_reply_does_not_quote_what_was_deleted_before_the_device_came(self):
        truth = Truth()
        for _ in range(2):
            truth.say(100, OTHER)
        quoted = truth.talk(100).as_read(2)
        truth.delete(100, [2])
        state = mirror.merge_page(mirror.MirrorState(ME), 100, truth.talk(100).page(4))
        truth.say(100, OTHER, reply_to=2)
        state = mirror.apply(state, replace(truth.pushed[-1], quote=quoted))
        self.assertIsNone(mirror.messages(state, 100)[-1].quote)

    def test_what_was_deleted_before_it_was_read_makes_the_list_be_asked_again(self):
        truth = Truth()
        truth.say(100, OTHER)
        state = self.applied(mirror.merge(mirror.MirrorState(ME), truth.snapshot()), truth)
        truth.delete(100, [2])
        self.assertNotIn(100, self.applied(state, truth).stale)
        truth.say(100, OTHER, mention=True)
        truth.delete(100, [3])
        self.assertIn(100, mirror.apply(state, truth.pushed[-1]).stale)

    def test_neither_acts_nor_system_lines_nor_ones_own_messages_are_unread(self):
        truth = Truth()
        truth.say(100, ME)
        truth.react(100, 2, OTHER, "a")
        truth.edit(100, 2)
        state = self.applied(mirror.MirrorState(ME), truth)
        self.assertEqual(state.talk(100).unread, 0)

    def test_an_edit_a_recall_and_reactions_show(self):
        truth = Truth()
        for _ in range(3):
            truth.say(100, OTHER)
        truth.edit(100, 2)
        truth.react(100, 2, ME, "a")
        truth.react(100, 2, OTHER, "a")
        truth.react(100, 3, OTHER, "a")
        truth.react(100, 3, OTHER, "a")
        truth.recall(100, 4)
        _, first, second, third = mirror.messages(self.applied(mirror.MirrorState(ME), truth), 100)
        self.assertEqual((first.state, first.content.text[:6]), (EventState.EDITED, "edited"))
        self.assertEqual(first.reactions, (Reaction("a", 2, True),))
        self.assertEqual(second.reactions, ())
        self.assertEqual((third.state, third.content, third.reactions), (EventState.RECALLED, None, ()))

    def test_what_expired_shows_when_it_is_read_again_and_stays_so(self):
        truth = Truth()
        truth.say(100, OTHER)
        truth.say(100, OTHER, reply_to=2)
        state, before = self.applied(mirror.MirrorState(ME), truth), truth.talk(100).page(4)
        self.assertIsNotNone(mirror.messages(state, 100)[2].quote)
        for seq in (2, 3):
            truth.expire(100, seq)
        state = mirror.merge_page(state, 100, truth.talk(100).page(4))
        for read in (state, mirror.merge_page(state, 100, before)):
            shown = [(one.state, one.content, one.quote) for one in mirror.messages(read, 100)[1:]]
            self.assertEqual(shown, [(EventState.EXPIRED, None, None)] * 2)

    def test_the_window_is_bounded_and_pages_widen_it(self):
        truth = Truth()
        for _ in range(40):
            truth.say(100, OTHER)
        state = self.applied(mirror.MirrorState(ME, 10), truth)
        seqs = [message.seq for message in mirror.messages(state, 100)]
        self.assertEqual(seqs, list(range(32, 42)))
        state = mirror.merge_page(state, 100, truth.talks[100].page(32, 10))
        self.assertEqual([message.seq for message in mirror.messages(state, 100)], list(range(22, 42)))

    def test_what_is_missing_in_between_is_not_shown_as_if_nothing_were(self):
        truth = Truth()
        for _ in range(9):
            truth.say(100, OTHER)
        state = mirror.merge(mirror.MirrorState(ME), truth.snapshot())
        self.assertEqual(mirror.newest(state, 100).seq, 10)
        state = mirror.merge_page(state, 100, truth.talks[100].page(5, 2))
        self.assertEqual(mirror.messages(state, 100), [])

    def test_a_quote_goes_with_what_it_quotes(self):
        truth = Truth()
        truth.say(100, OTHER)
        truth.say(100, ME, reply_to=2)
        state = self.applied(mirror.MirrorState(ME), truth)
        self.assertEqual(mirror.messages(state, 100)[-1].quote.content.text[:4], "text")
        truth.recall(100, 2)
        state = self.applied(state, truth)
        self.assertIsNone(mirror.messages(state, 100)[-1].quote.content)
        truth.delete(100, [2])
        self.assertIsNone(mirror.messages(self.applied(state, truth), 100)[-1].quote)

    def test_a_quote_stays_when_the_list_tells_the_message_without_it(self):
        truth = Truth()
        truth.say(100, OTHER)
        truth.say(100, ME, reply_to=2)
        state = mirror.apply(mirror.MirrorState(ME), truth.talks[100].as_read(3))
        truth.edit(100, 3)
        line = truth.listed(100)
        state = mirror.merge_conversations(state, [replace(line, newest=replace(line.newest, quote=None))], 1)
        self.assertEqual(mirror.newest(state, 100).state, EventState.EDITED)
        self.assertEqual(mirror.newest(state, 100).quote.content.text[:4], "text")

    def test_a_contact_that_was_removed_before_the_lists_is_gone_after_them(self):
        truth = Truth()
        truth.contact(3, True, False)
        state = self.applied(mirror.MirrorState(ME), truth)
        truth.contact(3, False, False)
        state = mirror.merge(state, truth.snapshot())
        self.assertEqual(mirror.contacts(state), [])
        for event in truth.private:
            state = mirror.apply(state, event)
        self.assertEqual(mirror.contacts(state), [])

    def test_what_is_seen_first_when_it_was_changed_makes_the_list_be_asked_again(self):
        truth = Truth()
        state = mirror.merge(mirror.MirrorState(ME), truth.snapshot())
        truth.say(100, OTHER, mention=True)
        state = mirror.merge_conversations(state, [replace(truth.listed(100), last_seq=1, counted=0)], 1)
        truth.recall(100, 2)
        state = mirror.apply(state, truth.talks[100].as_read(2))
        self.assertIn(100, state.stale)
        state = mirror.merge_conversations(state, [truth.listed(100)], 1)
        self.assertTrue(state.talk(100).mentioned)
        self.assertEqual(state.stale, frozenset())

    def test_a_direct_conversation_is_called_as_the_other_is_now(self):
        truth = Truth()
        truth.say(100, OTHER)
        state = mirror.merge(mirror.MirrorState(ME), truth.snapshot())
        state = mirror.with_cards(state, [card(OTHER)])
        self.assertEqual(mirror.title(state, state.talk(100)), "user2")
        truth.contact(OTHER, True, False)
        state = self.applied(state, truth)
        self.assertEqual(mirror.title(state, state.talk(100)), truth.contacts[OTHER].remark)

    def test_a_conversation_in_which_nothing_happened_is_not_listed(self):
        note = ConversationAdded(100, 1, (OTHER,))
        state = mirror.apply(mirror.MirrorState(ME), Received(ME, 1, 0, bytes(16), note, 0))
        self.assertEqual(mirror.conversations(state), [])

    def applied(self, state, truth):
        for event in truth.pushed:
            state = mirror.apply(state, event)
        return state

    @settings(max_examples=300, deadline=None)
    @given(st.lists(ACTIONS, max_size=12), st.lists(ACTIONS, max_size=12), st.lists(ACTIONS, max_size=16), st.data())
    def test_any_order_and_any_repetition_shows_the_truth(self, before, between, after, data):
        truth = Truth()
        act(truth, before)
        position = len(truth.pushed)  # where this device begins: what was before, it learns from lists alone
        act(truth, between)
        snapshot = truth.snapshot()
        act(truth, after)
        events = truth.pushed[position:]
        again = data.draw(st.lists(st.sampled_from(events), max_size=8)) if events else []
        read = [self.as_read(truth, event) for event in events if data.draw(st.booleans())]
        steps = [*events, *again, *read, snapshot]
        data.draw(st.randoms(use_true_random=False)).shuffle(steps)
        state = mirror.MirrorState(ME)
        for step in steps:
            state = mirror.merge(state, step) if step is snapshot else mirror.apply(state, step)
        state = self.paged(state, truth)
        self.assertEqual(self.people(state, truth), self.true_people(truth))
        for number in truth.talks:
            self.assertEqual(shown(state, number), true(truth, number))

    def as_read(self, truth, event):
        return event if event.stream_id == ME else truth.talks[event.stream_id].as_read(event.seq)

    def paged(self, state, truth):
        for number, talk in truth.talks.items():
            while (start := max(state.talk(number).known_from, state.talk(number).floor)) > 1:
                state = mirror.merge_page(state, number, talk.page(start))
        return state

    def people(self, state, truth):
        pending = {(r.user_id, r.incoming): r for way in (True, False) for r in mirror.requests(state, way, truth.now)}
        contacts = {c.user_id: c for c in mirror.contacts(state)}
        return contacts, {c.user_id for c in mirror.blocked(state)}, pending, state.profile

    def true_people(self, truth):
        contacts = {key: c for key, c in truth.contacts.items() if c.is_contact}
        blocked = {key for key, c in truth.contacts.items() if c.blocked}
        pending = {key: r for key, r in truth.requests.items() if r.state is RequestState.PENDING}
        return contacts, blocked, pending, truth.profile
