"""Acts against a model: whatever is done to whatever in whatever batches, the rows tell what the events tell."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.content import digest
from imchat.domain.models import Draft, Refused
from tests.fakes.stores import MemoryDatabase, locked

STREAMS = (11, 12)
TEXT, PICTURE, RECALLED, EDITED, REACTED, LINE = 1, 3, 32, 33, 34, 96
EMOJI = ("👍".encode(), "🎉".encode())


def make(stream_id, sender_id, number, kind, target, emoji, removed) -> Draft:
    if kind == LINE:
        sender_id = target = 0
    client_id = b"%016d" % number
    content = b"%d %d %d %d" % (kind, number, target, removed) + emoji
    draft = (stream_id, sender_id, client_id, kind, content)
    new = b"new %d" % number if kind == EDITED else b""
    reaction = (emoji, removed) if kind == REACTED else (b"", False)
    if kind in (RECALLED, EDITED, REACTED):
        target = target or 99
    mentions = (sender_id % 3 + 1,) if kind == TEXT and removed else ()
    return Draft(*draft, digest(kind, content + new), 0, None, target, new, mentions, *reaction)


DRAFTS = st.builds(
    make,
    st.sampled_from(STREAMS),
    st.integers(1, 3),
    st.integers(0, 25),
    st.sampled_from((TEXT, TEXT, PICTURE, RECALLED, EDITED, EDITED, REACTED, REACTED, REACTED, LINE)),
    st.integers(0, 6),
    st.sampled_from(EMOJI),
    st.booleans(),
)
BATCHES = st.lists(
    st.tuples(st.lists(DRAFTS, min_size=1, max_size=12), st.sampled_from((None, None, "before", "after"))), max_size=8
)


@dataclass
class Model:
    """The events of each stream, and the rules, asked of nothing else."""

    streams: dict = field(default_factory=lambda: {stream_id: [] for stream_id in STREAMS})

    def answer(self, draft):
        """What becomes of a draft: (seq, resent) or a code."""
        events = self.streams[draft.stream_id]
        for seq, other in enumerate(events, 1):
            if (other.sender_id, other.client_id) == (draft.sender_id, draft.client_id):
                return (seq, True) if other.digest == draft.digest else "conflict"
        code = self.refusal(draft, events) if draft.target else None
        if code is None:
            events.append(draft)
        return code or (len(events), False)

    def refusal(self, draft, events):
        target = events[draft.target - 1] if draft.target <= len(events) else None
        if target is None or target.kind >= RECALLED:
            return "not_found"
        gone = self.state(draft.stream_id, draft.target)[1] == 2
        if draft.kind == REACTED:
            if gone:
                return "too_late"
            there = (draft.emoji, draft.sender_id) in self.reactions(draft.stream_id, draft.target)
            return "unchanged" if there != draft.removed else None
        if draft.kind not in (RECALLED, EDITED):
            return None
        if target.sender_id != draft.sender_id or (draft.kind == EDITED and target.kind != TEXT):
            return "forbidden"
        return ("unchanged" if draft.kind == RECALLED else "too_late") if gone else None

    def acts(self, stream_id, seq):
        acts = enumerate(self.streams[stream_id], 1)
        return [(n, act) for n, act in acts if act.target == seq and RECALLED <= act.kind <= REACTED]

    def state(self, stream_id, seq):
        """Content, state, changed_seq."""
        content, state, changed = self.streams[stream_id][seq - 1].content, 0, 0
        for number, act in self.acts(stream_id, seq):
            changed = number
            if act.kind == RECALLED:
                content, state = b"", 2
            elif act.kind == EDITED:
                content, state = act.replacement, 1
        return content, state, changed

    def reactions(self, stream_id, seq):
        found = set()
        for _, act in self.acts(stream_id, seq):
            if act.kind == RECALLED:
                found.clear()
            elif act.kind == REACTED:
                (found.discard if act.removed else found.add)((act.emoji, act.sender_id))
        return found

    def readings(self, stream_id):
        found = {}
        ordinal = 0
        for seq, event in enumerate(self.streams[stream_id], 1):
            if event.kind >= RECALLED:
                continue
            ordinal += 1
            found[event.sender_id] = (seq, ordinal, found.get(event.sender_id, (0, 0, 0))[2])
            for mentioned in event.mentions:
                found[mentioned] = (*found.get(mentioned, (0, 0, 0))[:2], seq)
        return found


class ActsModelTests(SynchronousTestCase):
    def stores(self):
        stores = MemoryDatabase()
        for stream_id in STREAMS:
            stores.pool.connection.execute("INSERT INTO head VALUES (?, 0, 0, 0, 0, 0)", (stream_id,))
        return stores

    def flush(self, stores, drafts):
        done = Deferred.fromCoroutine(stores.streams.flush(drafts, lambda *_: None))
        for _ in range(8):
            stores.clock.advance(0.5)
        return self.successResultOf(done).outcomes

    def check(self, stores, model):
        query = stores.pool.connection.execute
        for stream_id in STREAMS:
            events = range(1, len(model.streams[stream_id]) + 1)
            rows = query(
                "SELECT content, state, changed_seq FROM event WHERE stream_id = ? ORDER BY seq", (stream_id,)
            ).fetchall()
            self.assertEqual(rows, [model.state(stream_id, seq) for seq in events])
            found = query("SELECT seq, emoji, user_id FROM reaction WHERE stream_id = ?", (stream_id,)).fetchall()
            self.assertEqual(set(found), {(seq, *one) for seq in events for one in model.reactions(stream_id, seq)})
            found = query(
                "SELECT user_id, read_seq, read_ordinal, mention_seq FROM reading WHERE conversation_id = ?",
                (stream_id,),
            ).fetchall()
            self.assertEqual({row[0]: row[1:] for row in found}, model.readings(stream_id))

    @settings(max_examples=150)
    @given(BATCHES)
    def test_agrees_with_the_model_whatever_fails_between(self, batches):
        stores, model = self.stores(), Model()
        for drafts, fault in batches:
            if fault is not None:
                getattr(stores.pool, fault).append(locked())
            outcomes = self.flush(stores, drafts)
            for _ in range(2 if fault == "after" else 1):
                # The first try was committed and its answer lost: the second finds what the first one stored.
                expected, shown = [], []
                for draft in drafts:
                    expected.append(model.answer(draft))
                    shown.append(None)
                    if draft.kind in (TEXT, RECALLED, EDITED) and draft.target and expected[-1][1:] == (False,):
                        shown[-1] = model.state(draft.stream_id, draft.target)
            self.assertEqual([self.told(outcome) for outcome in outcomes], expected)
            for outcome, state in zip(outcomes, shown, strict=True):
                if state is not None:
                    about = outcome.event.target or outcome.event.quote
                    self.assertEqual((about.content, about.state, about.changed_seq), state)
        self.check(stores, model)

    @staticmethod
    def told(outcome):
        return outcome.code if isinstance(outcome, Refused) else (outcome.event.seq, outcome.resent)

    # --- cost

    def kinds(self, stores, drafts):
        seen = []
        stores.pool.connection.set_trace_callback(seen.append)
        self.flush(stores, drafts)
        stores.pool.connection.set_trace_callback(None)
        return [" ".join(statement.split()[:2]) for statement in seen]

    def test_a_flush_reads_what_its_drafts_are_about_at_once(self):
        stores = self.stores()
        said = [make(11, 1, n, PICTURE, 0, b"", False) for n in range(50)]
        plain = self.kinds(stores, said)
        self.assertEqual([kind for kind in plain if kind.startswith("SELECT")], ["SELECT stream_id,"])
        reactions = [make(11, 2, n, REACTED, n + 1, EMOJI[0], False) for n in range(50)]
        reads = [kind for kind in self.kinds(stores, reactions) if kind.startswith("SELECT")]
        # Heads, resends, targets, and who reacted how.
        self.assertEqual(len(reads), 5)
