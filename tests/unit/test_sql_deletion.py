"""The end of an account, while others begin to talk with it."""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.contacts import request
from imchat.domain.errors import Unavailable
from imchat.domain.models import User
from imchat.store.sql import deletion
from tests.fakes.stores import MemoryDatabase

ANN, BOB, TALK = 1, 2, 9


class RaceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.database = MemoryDatabase()
        self.addCleanup(self.database.pool.close)
        for user_id, name in ((ANN, "ann"), (BOB, "bob")):
            user = User(user_id, name, f"{name}@example.org", "hash", 1)
            self.run_now(self.database.accounts.create(user, name, user.email, None, 1))
        self.run_now(self.database.conversations.open_direct(ANN, BOB, TALK, (), 1))

    def run_now(self, coroutine):
        return self.successResultOf(Deferred.fromCoroutine(coroutine))

    def late(self, times: int) -> None:
        """The first looks, of a whole try each, come before the conversation; what is looked at under the lock not."""
        really, looks = deletion._conversations, []

        def look(tx, user_id):
            looks.append(user_id)
            return [] if len(looks) % 2 and len(looks) <= 2 * times else really(tx, user_id)

        self.patch(deletion, "_conversations", look)

    def version(self) -> int:
        return self.run_now(self.database.streams.heads([TALK]))[TALK].member_version

    def delete(self):
        return self.database.accounts.delete(ANN, "hash", lambda notes: [], 5)

    def test_a_conversation_that_began_meanwhile_learns_of_it_too(self) -> None:
        before = self.version()
        self.late(1)
        self.assertTrue(self.run_now(self.delete()))
        self.assertEqual(self.version(), before + 1)

    def test_who_asked_meanwhile_is_told_too(self) -> None:
        rule = partial(request, greeting="hi", remark="", now_ms=3)
        self.run_now(self.database.contacts.change(BOB, ANN, rule, TALK, lambda notes: [], 3))
        really, looks, told = deletion._farewells, [], []

        def look(*given):
            looks.append(given)
            return [] if len(looks) == 1 else really(*given)

        self.patch(deletion, "_farewells", look)
        announce = lambda notes: told.append([user_id for user_id, _ in notes]) or []  # noqa: E731
        self.assertTrue(self.run_now(self.database.accounts.delete(ANN, "hash", announce, 5)))
        # In the second try: in the first one bob's stream was not locked.
        self.assertEqual((told, len(looks)), ([[BOB]], 4))

    def test_it_is_given_up_where_there_is_always_one_more_and_nothing_is_done(self) -> None:
        before = self.version()
        self.late(100)
        self.failureResultOf(Deferred.fromCoroutine(self.delete()), Unavailable)
        self.assertEqual(self.version(), before)
        self.assertIsNotNone(self.run_now(self.database.accounts.by_name("ann")))
