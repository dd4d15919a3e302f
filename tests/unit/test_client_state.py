"""The client's state file: what was committed is there again, and nobody else can read it."""

import sqlite3
from pathlib import Path

from twisted.internet.defer import Deferred, maybeDeferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from imchat.client import SqliteState, StateBusy, StateError
from imchat.client.state import Change, MemoryState, OutboxEntry, SavedSession, Snapshot
from imchat.domain.content import Text
from imchat.domain.models import NodeAddress
from tests.fakes.client_world import FakeUser, FakeWorld

SESSION = SavedSession("http://gate", 7, "alice", "token", "device", "alice@x.test", (NodeAddress("h", 1, True),))


def entry(order):
    return OutboxEntry(order, bytes([order]) * 16, 9, b"content", is_act=order % 2 == 0)


class Stores:
    """Held by every state store."""

    def load(self, store):
        return self.successResultOf(Deferred.fromCoroutine(store.load()))

    def commit(self, store, **change):
        self.successResultOf(Deferred.fromCoroutine(store.commit(Change(**change))))

    def close(self, store):
        self.successResultOf(Deferred.fromCoroutine(store.close()))

    def reopened(self, store):
        self.close(store)
        self.again = self.store()
        return self.load(self.again)

    def test_what_was_committed_is_there_again(self):
        store = self.store()
        self.assertEqual(self.load(store), Snapshot())
        self.commit(store, session=SESSION, positions={1: 5, 2**53 - 1: 9}, added=(entry(1), entry(2)))
        self.commit(store, removed=(1,), added=(entry(3),))
        self.assertEqual(self.reopened(store), Snapshot(SESSION, {1: 5, 2**53 - 1: 9}, [entry(2), entry(3)]))

    def test_positions_never_go_back(self):
        store = self.store()
        self.load(store)
        self.commit(store, positions={1: 5})
        self.commit(store, positions={1: 3})
        self.assertEqual(self.reopened(store).positions, {1: 5})

    def test_a_position_is_set_back_where_that_is_meant(self):
        store = self.store()
        self.load(store)
        self.commit(store, positions={1: 5, 2: 5})
        self.commit(store, set_back={1: 3})
        self.assertEqual(self.reopened(store).positions, {1: 3, 2: 5})

    def test_forgetting_leaves_the_new_session_alone(self):
        store = self.store()
        self.load(store)
        self.commit(store, session=SESSION, positions={1: 5}, added=(entry(1),))
        self.commit(store, session=SESSION, forget=True)
        self.assertEqual(self.reopened(store), Snapshot(SESSION))

    def test_closing_twice(self):
        store = self.store()
        self.load(store)
        self.close(store)
        self.close(store)


class InMemory(Stores, SynchronousTestCase):
    def store(self):
        if not hasattr(self, "memory"):
            self.memory = MemoryState()
        return self.memory


class InFile(Stores, SynchronousTestCase):
    def setUp(self):
        self.path = Path(self.mktemp()) / "state.db"
        self.made = []
        self.addCleanup(lambda: [self.close(store) for store in self.made])

    def store(self, run=maybeDeferred):
        store = SqliteState(self.path, run)
        self.made.append(store)
        return store

    def test_only_the_owner_can_read_it(self):
        store = self.store()
        self.load(store)
        self.commit(store, session=SESSION)
        modes = {path.name: path.stat().st_mode & 0o777 for path in self.path.parent.iterdir()}
        self.assertEqual(set(modes.values()), {0o600})
        self.assertEqual(self.path.parent.stat().st_mode & 0o777, 0o700)

    def test_a_second_program_is_told_that_it_is_in_use(self):
        self.load(self.store())
        self.failureResultOf(Deferred.fromCoroutine(self.store().load()), StateBusy)

    def test_it_is_free_again_after_closing(self):
        store = self.store()
        self.load(store)
        self.close(store)
        self.load(self.store())

    def test_a_file_that_is_no_database(self):
        self.path.parent.mkdir()
        self.path.write_text("no database, but long enough to look at" * 50)
        failure = self.failureResultOf(Deferred.fromCoroutine(self.store().load()), StateError)
        self.assertIn("state.db", str(failure.value))

    def test_a_file_of_a_newer_program(self):
        self.load(store := self.store())
        self.close(store)
        database = sqlite3.connect(self.path)
        database.execute("PRAGMA user_version = 99")
        database.close()
        failure = self.failureResultOf(Deferred.fromCoroutine(self.store().load()), StateError)
        self.assertIn("newer", str(failure.value))

    def test_a_file_of_the_first_layout_keeps_its_messages_and_takes_acts(self):
        self.path.parent.mkdir()
        database = sqlite3.connect(self.path)
        columns = ("place INTEGER PRIMARY KEY", "client_id BLOB", "conversation_id INTEGER", "content BLOB")
        database.execute(f"CREATE TABLE outbox ({', '.join(columns)})")
        database.execute("INSERT INTO outbox VALUES (1, ?, 9, ?)", (bytes([1]) * 16, b"content"))
        database.execute("PRAGMA user_version = 1")
        database.commit()
        database.close()
        self.assertEqual(self.load(store := self.store()).outbox, [entry(1)])
        self.commit(store, added=(entry(2),))
        self.close(store)
        self.assertEqual(self.load(self.store()).outbox, [entry(1), entry(2)])

    def test_changes_that_gather_are_written_together_in_order(self):
        steps = []

        def stepping(function):
            if not steps or steps[0] is None:
                return succeed(function())
            waiting = Deferred()
            steps.append((function, waiting))
            return waiting

        store = self.store(stepping)
        self.load(store)
        steps.append("hold")
        commits = [
            Deferred.fromCoroutine(store.commit(Change(added=(entry(n),), removed=(n - 1,)))) for n in range(1, 6)
        ]
        written = 0
        while len(steps) > 1:
            function, waiting = steps.pop(1)
            written += 1
            waiting.callback(function())
        for commit in commits:
            self.successResultOf(commit)
        self.assertEqual(written, 2)
        steps[0] = None
        self.assertEqual(self.reopened(store).outbox, [entry(5)])

    def test_a_change_that_fails_is_told_and_leaves_nothing_behind(self):
        store = self.store()
        self.load(store)
        self.commit(store, added=(entry(1),))
        failing = store.commit(Change(positions={1: 5}, added=(entry(1),)))
        self.failureResultOf(Deferred.fromCoroutine(failing), StateError)
        self.assertEqual(self.reopened(store), Snapshot(outbox=[entry(1)]))


class BotOnFile(SynchronousTestCase):
    """A bot that is killed between its handler and the commit, with its state in a file."""

    def test_killed_before_the_commit_it_handles_the_message_again_and_answers_once(self):
        path = Path(self.mktemp()) / "bot.db"
        world = FakeWorld()
        talk = world.server.direct(1, 2)
        handled = []

        async def answer(turn):
            if not turn.own:
                handled.append((turn.event.stream_id, turn.event.seq))
                turn.reply(talk, Text("answer"))

        first = SqliteState(path, maybeDeferred)
        doomed = FakeUser(world, "bob", store=first)
        doomed.handler = answer
        world.run(1)
        first.commit = lambda change: Deferred()  # the process dies in it
        world.server.say(talk, 1, "question")
        world.run(1)
        world.server.cut(2)
        first._file.close()
        self.assertEqual(world.server.texts(talk), ["question"])

        second = FakeUser(world, "bob", store=SqliteState(path, maybeDeferred))
        second.handler = answer
        world.run(5)
        self.assertEqual(handled, [(talk, 1), (talk, 1)])
        self.assertEqual(world.server.texts(talk), ["question", "answer"])
        second.client.stop()
        world.run(10)

    def test_killed_after_the_commit_before_sending_it_sends_and_does_not_handle_again(self):
        path = Path(self.mktemp()) / "bot.db"
        world = FakeWorld()
        talk = world.server.direct(1, 2)
        handled = []

        async def answer(turn):
            if not turn.own:
                handled.append(turn.event.seq)
                turn.reply(talk, Text("answer"))

        first = SqliteState(path, maybeDeferred)
        doomed = FakeUser(world, "bob", store=first)
        doomed.handler = answer
        world.run(1)
        world.server.intercept = lambda peer, frame: frame.HasField("send_message")
        world.server.say(talk, 1, "question")
        world.run(1)
        doomed.client.stop()
        world.run(10)
        self.assertEqual(world.server.texts(talk), ["question"])
        world.server.intercept = lambda peer, frame: False
        second = FakeUser(world, "bob", store=SqliteState(path, maybeDeferred))
        second.handler = answer
        world.run(5)
        self.assertEqual(handled, [1])
        self.assertEqual(world.server.texts(talk), ["question", "answer"])
        second.client.stop()
        world.run(10)
