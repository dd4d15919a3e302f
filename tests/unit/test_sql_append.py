"""Appends against a model: whatever comes in whatever batches, each event once, dense, in order, or not at all."""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.content import digest
from imchat.domain.models import Draft, Refused, Stored
from imchat.store.sql.append import KEYS_AT_ONCE, append, find
from imchat.store.sql.bulk import insert_events
from imchat.store.sql.transaction import DuplicateKey
from tests.fakes.stores import MemoryDatabase, full_disk, locked

STREAMS = (11, 12, 13)
MISSING = 99
KINDS = (1, 2, 64, 65)


def make(stream_id, sender_id, number, content, kind, refusal) -> Draft:
    data = b"%d" % content
    return Draft(stream_id, sender_id, b"%016d" % number, kind, data, digest(kind, data), refusal=refusal)


DRAFTS = st.builds(
    make,
    st.sampled_from((*STREAMS, MISSING)),
    st.integers(0, 2),
    st.integers(0, 6),
    st.sampled_from((0, 0, 0, 1)),
    st.sampled_from(KINDS),
    st.sampled_from((None, None, None, "forbidden")),
)
BATCHES = st.lists(
    st.tuples(st.lists(DRAFTS, max_size=12), st.sampled_from((None, None, None, "before", "after", "full"))),
    max_size=8,
)


@dataclass
class Model:
    """The rules, written down naively."""

    streams: dict = field(default_factory=lambda: {stream_id: [] for stream_id in STREAMS})

    def flush(self, drafts):
        return [self.answer(draft) for draft in drafts]

    def answer(self, draft):
        events = self.streams.get(draft.stream_id, [])
        for seq, other in enumerate(events, 1):
            if (other.sender_id, other.client_id) == (draft.sender_id, draft.client_id):
                return (seq, True) if other.digest == draft.digest else "conflict"
        if draft.refusal or draft.stream_id not in self.streams:
            return draft.refusal or "not_found"
        events.append(draft)
        return len(events), False


def told(outcome):
    match outcome:
        case Stored(event, resent):
            return event.seq, resent
        case Refused(code):
            return code


class AppendTests(SynchronousTestCase):
    def stores(self):
        stores = MemoryDatabase()
        for stream_id in STREAMS:
            stores.pool.connection.execute("INSERT INTO head VALUES (?, 0, 0, 0, 0, 0)", (stream_id,))
        return stores

    def flush(self, stores, drafts):
        done = Deferred.fromCoroutine(stores.streams.flush(drafts, lambda *_: None))
        for _ in range(8):
            stores.clock.advance(0.5)
        return done

    def check(self, stores, model):
        connection = stores.pool.connection
        for stream_id, drafts in model.streams.items():
            query = (
                "SELECT seq, sender_id, client_id, kind, content, ordinal FROM event WHERE stream_id = ? ORDER BY seq"
            )
            counted, expected = 0, []
            for seq, draft in enumerate(drafts, 1):
                counted += draft.kind < 64
                expected.append((seq, draft.sender_id, draft.client_id, draft.kind, draft.content, counted))
            self.assertEqual(connection.execute(query, (stream_id,)).fetchall(), expected)
            last_message = max((seq for seq, draft in enumerate(drafts, 1) if draft.kind < 64), default=0)
            head = connection.execute(
                "SELECT last_seq, last_message_seq, counted FROM head WHERE stream_id = ?", (stream_id,)
            )
            self.assertEqual(head.fetchone(), (len(drafts), last_message, counted))

    @settings(max_examples=150)
    @given(BATCHES)
    def test_agrees_with_the_model_whatever_fails_between(self, batches):
        stores, model = self.stores(), Model()
        for drafts, fault in batches:
            if fault == "full":
                stores.pool.before.append(full_disk())
                if drafts:
                    self.failureResultOf(self.flush(stores, drafts))
                stores.pool.before.clear()
                continue
            if fault is not None and drafts:
                getattr(stores.pool, fault).append(locked())
            outcomes = self.successResultOf(self.flush(stores, drafts)).outcomes if drafts else []
            expected = model.flush(drafts)
            if fault == "after":
                # The first try was committed and its answer lost: the second finds what the first one stored.
                expected = model.flush(drafts)
            self.assertEqual([told(outcome) for outcome in outcomes], expected)
            self.assertFalse(stores.pool.before or stores.pool.after, "the fault did not happen")
        self.check(stores, model)

    # --- inside other transactions

    def run_(self, stores, work):
        return Deferred.fromCoroutine(stores.writer.run("test", work))

    def test_the_servers_own_events_are_found_again(self):
        stores = self.stores()
        drafts = [make(11, 0, 1, 0, 64, None), make(12, 0, 1, 0, 64, None)]
        first = self.successResultOf(self.run_(stores, lambda tx: append(tx, drafts)))
        self.assertEqual(self.successResultOf(self.run_(stores, lambda tx: append(tx, drafts))), first)

    def test_the_servers_own_events_fail_loudly(self):
        stores = self.stores()
        self.successResultOf(self.run_(stores, lambda tx: append(tx, [make(11, 0, 1, 0, 64, None)])))
        self.failureResultOf(self.run_(stores, lambda tx: append(tx, [make(11, 0, 1, 1, 64, None)])), DuplicateKey)
        self.failureResultOf(self.run_(stores, lambda tx: append(tx, [make(99, 0, 1, 0, 64, None)])), LookupError)

    # --- cost

    def statements(self, stores, drafts):
        seen = []
        stores.pool.connection.set_trace_callback(seen.append)
        self.successResultOf(self.flush(stores, drafts))
        stores.pool.connection.set_trace_callback(None)
        return seen

    def test_a_flush_looks_nothing_up_that_it_need_not(self):
        stores = self.stores()
        seen = self.statements(stores, [make(11, 1, n, 0, 1, None) for n in range(200)])
        kinds = [statement.split()[0] for statement in seen]
        self.assertEqual([kind for kind in kinds if kind != "INSERT"], ["BEGIN", "SELECT", "UPDATE", "COMMIT"])

    def test_a_duplicate_costs_one_more_transaction_and_few_look_ups(self):
        stores = self.stores()
        drafts = [make(11, 1, n, 0, 1, None) for n in range(200)]
        self.statements(stores, drafts)
        seen = self.statements(stores, drafts)
        self.assertEqual(seen.count("ROLLBACK"), 1)
        self.assertLessEqual(len([s for s in seen if s.startswith("SELECT")]), 2 + -(-200 // KEYS_AT_ONCE))

    def test_statements_of_literals_are_cut_at_their_longest(self):
        rows = [(11, n, 1, b"\xff" * 16, 1, b"'); --" * 100, b"d" * 32, n, 5, 0) for n in range(10)]
        for longest, count in ((1, 10), (3_100, 5), (1_000_000, 1)):
            seen = list(insert_events(rows, longest))
            self.assertEqual(len(seen), count)
            self.assertTrue(count == 10 or all(len(sql) <= longest for sql in seen))
            self.assertFalse([sql for sql in seen if "--" in sql])

    def test_looking_up_uses_the_unique_key(self):
        stores = self.stores()
        seen = []
        stores.pool.connection.set_trace_callback(seen.append)
        keys = [(11, 1, b"%016d" % n) for n in range(KEYS_AT_ONCE)]
        self.successResultOf(self.run_(stores, lambda tx: find(tx, keys)))
        stores.pool.connection.set_trace_callback(None)
        [query] = [statement for statement in seen if statement.startswith("SELECT")]
        plan = stores.pool.connection.execute("EXPLAIN QUERY PLAN " + query).fetchall()
        self.assertFalse([row for row in plan if "SCAN" in row[3]], plan)
