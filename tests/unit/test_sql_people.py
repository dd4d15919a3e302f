"""How lists of people are read: by an index, and never from the beginning of a table."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.profiles import SearchPlace, SearchQuery
from tests.fakes.chat_node import now
from tests.fakes.stores import MemoryDatabase

ANN = 1001


class PlanTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.database = MemoryDatabase()
        self.addCleanup(self.database.pool.close)

    def plan(self, reading: Coroutine[Any, Any, Any], count: int) -> list[str]:
        """How SQLite does what ``reading`` asks in ``count`` statements."""
        seen: list[str] = []
        connection = self.database.pool.connection
        connection.set_trace_callback(seen.append)
        now(reading)
        connection.set_trace_callback(None)
        queries = [statement for statement in seen if statement.lstrip().startswith("SELECT")]
        self.assertEqual(count, len(queries))
        return [row[3] for query in queries for row in connection.execute("EXPLAIN QUERY PLAN " + query)]

    def by_index(self, reading: Coroutine[Any, Any, Any], count: int, *indices: str) -> None:
        plan = self.plan(reading, count)
        self.assertEqual([], [step for step in plan if "SCAN" in step or "TEMP B-TREE" in step], plan)
        for index in indices:
            self.assertTrue(any(index in step for step in plan), plan)

    def test_a_search_reads_what_begins_so_in_its_order(self) -> None:
        query = SearchQuery(7, "an")
        for place in (None, SearchPlace(False, b"anm", 3), SearchPlace(True, b"ann", 3)):
            count = 3 if place is None else 1 if place.nicknames else 2
            reading = self.database.people.search(query, place, 10)
            self.by_index(reading, count, "account_nickname (nickname_key>? AND nickname_key<?)")

    def test_requests_of_both_directions(self) -> None:
        for incoming, index in ((True, "contact_request_to"), (False, "contact_request_from")):
            for cursor in (None, (5, ANN)):
                reading = self.database.contacts.requests(ANN, incoming, False, cursor, 10, 1)
                self.by_index(reading, 1, index)

    def test_contacts_and_blocked(self) -> None:
        for blocked in (True, False):
            self.by_index(self.database.contacts.contacts(ANN, blocked, 5, 10), 1, "PRIMARY KEY")
