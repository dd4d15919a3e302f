"""What a store of contacts does when another transaction comes between its own steps."""

from __future__ import annotations

from functools import partial

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain import contacts as rules
from imchat.domain.announcing import Announcer
from imchat.domain.models import User
from imchat.net.content import WireContentCodec
from imchat.store.sql import contacts
from imchat.store.sql.transaction import Transaction
from tests.fakes.chat_node import now
from tests.fakes.ids import SeededIds
from tests.fakes.stores import MemoryDatabase

ANN, BOB, TALK = 1001, 1002, 5001


class InBetweenTests(SynchronousTestCase):
    def test_a_conversation_that_is_there_once_the_heads_are_locked_is_locked_too_and_used(self) -> None:
        database = MemoryDatabase()
        for user_id in (ANN, BOB):
            user = User(user_id, f"u{user_id}", f"{user_id}@example.org", "hash", 0)
            now(database.accounts.create(user, user.name, user.email, None, 0))
        now(database.conversations.open_direct(ANN, BOB, TALK, [], 0))
        looks: list[int | None] = []
        locked: list[list[int]] = []
        real_look, real_lock = contacts.direct_of, contacts.lock_heads

        def look(tx: Transaction, low_id: int, high_id: int) -> int | None:
            # The first look comes before the other transaction's commit.
            looks.append(real_look(tx, low_id, high_id) if looks else None)
            return looks[-1]

        def lock(tx: Transaction, ids: list[int]) -> None:
            locked.append(ids)
            real_lock(tx, ids)

        self.patch(contacts, "direct_of", look)
        self.patch(contacts, "lock_heads", lock)
        announcer = Announcer(WireContentCodec(), SeededIds(1).client_id)
        for user_id, peer_id in ((ANN, BOB), (BOB, ANN)):
            rule = partial(rules.request, greeting="", remark="", now_ms=1)
            related = now(database.contacts.change(user_id, peer_id, rule, TALK + 1, announcer.begin(), 1))
        self.assertEqual([[ANN, BOB], [ANN, BOB, TALK], [ANN, BOB, TALK]], locked)
        self.assertEqual((TALK, True), (related.conversation_id, related.contact.is_contact))
        self.assertEqual(1, now(database.streams.heads([TALK]))[TALK].last_seq)
