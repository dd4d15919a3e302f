"""Who may ask for what: a table with a row for every kind of request, tried on a whole node."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.settings import ChatSettings
from imchat.domain.limits import Limit
from imchat.domain.permissions import ContactsPolicy
from imchat.domain.rates import ACCOUNT_RATES, GROUPS, SESSION_RATES, Group
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig
from tests.net.permission_rows import ROWS, UNANSWERED, Row
from tests.net.permission_world import World, ask, outcome
from tests.net.request_kinds import request_bodies

WITHOUT_SESSION = frozenset({"hello", "ping"})
"""What is answered before there is a session."""


def world() -> World:
    """Where a row is tried."""
    return World(NodeRig(contacts=ContactsPolicy.REQUIRED), contacts=True)


def allowed(row: Row) -> bool:
    """Whether a row is one of those who may."""
    return row.outcome in {field.name for field in pb.Frame.DESCRIPTOR.fields}


class TableTests(SynchronousTestCase):
    def test_every_request_has_a_row_of_who_may(self) -> None:
        self.assertEqual(request_bodies(), {row.body for row in ROWS if allowed(row)} | UNANSWERED | {"hello"})

    def test_what_names_a_person_or_conversation_has_a_row_of_who_may_not(self) -> None:
        refused = {row.body for row in ROWS if not allowed(row)}
        for body in request_bodies():
            names = {field.name for field in pb.Frame.DESCRIPTOR.fields_by_name[body].message_type.fields}
            if names & {"user_id", "conversation_id", "stream_id"}:
                self.assertIn(body, refused)

    def test_each_row(self) -> None:
        self.assertEqual([], [fault for row in ROWS if (fault := self._fault(row))])

    def _fault(self, row: Row) -> str:
        """What is wrong with a row; empty: nothing."""
        here = world()
        answer = here.asked(row.by, **{row.body: row.build(here)})
        if row.outcome != outcome(answer) or not row.shows(here, answer) or here.clients[row.by].lost:
            return f"{row.body}, {row.case}: {answer}"
        if row.like is not None:
            other = here.asked(row.by, **{row.body: row.like(here)})
            if answer.error != other.error:
                return f"{row.body}, {row.case}: {answer.error} tells more than {other}"
        return ""

    def test_nothing_is_done_for_whoever_has_no_session(self) -> None:
        for body in sorted(request_bodies() - WITHOUT_SESSION):
            here = world()
            client = here.rig.connect()
            row = next((row for row in ROWS if row.body == body), None)
            client.send(**{body: pb.Pong() if row is None else row.build(here)})
            self.assertEqual(["unauthenticated"], [outcome(answer) for answer in client.take()], body)
            self.assertTrue(client.lost, body)

    def test_a_session_belongs_to_its_user_and_device(self) -> None:
        here = world()
        token = here.rig.login("dan", "desk")
        for device_id, given in (("phone", token), ("desk", token[:-1]), ("desk", "")):
            client = here.rig.connect()
            answer = ask(client, hello=pb.Hello(protocol_version=1, token=given, device_id=device_id))
            self.assertEqual(("unauthenticated", True), (outcome(answer), client.lost))
        answer = ask(here.rig.connect(), hello=pb.Hello(protocol_version=1, token=token, device_id="desk"))
        self.assertEqual(here.id("dan"), answer.welcome.user_id)


class LimitTests(SynchronousTestCase):
    def test_every_request_is_limited_for_a_connection_and_for_an_account(self) -> None:
        limit = Limit(1, 60_000)
        for body, group in GROUPS.items():
            if group is Group.FRAMES:
                continue
            name = group.name.lower()
            for settings in (
                ChatSettings(limits=replace(SESSION_RATES, **{name: limit})),
                ChatSettings(account_limits=replace(ACCOUNT_RATES, **{name: limit})),
            ):
                here = world()
                here.through(replace(settings, contacts=ContactsPolicy.REQUIRED))
                build = next(row.build for row in ROWS if row.body == body and row.by == "ann" and allowed(row))
                here.asked("ann", **{body: build(here)})
                answer = here.asked("ann", **{body: build(here)})
                self.assertEqual("rate_limited", outcome(answer), body)
                self.assertGreater(answer.error.retry_after_ms, 0, body)
