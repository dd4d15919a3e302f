"""Bad values in every field of every request: each has an answer with a stable code, and harms no connection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.settings import ChatSettings
from imchat.domain.errors import by_code
from imchat.domain.limits import Limit
from imchat.domain.permissions import ContactsPolicy
from imchat.domain.rates import Rates
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig
from tests.net.permission_rows import ROWS, UNANSWERED
from tests.net.permission_world import World, ask, outcome
from tests.net.request_kinds import request_bodies

MANY = 10_000
NO_LIMITS = Rates(**{field.name: Limit(1_000_000, 1_000) for field in fields(Rates)})
STABLE = set(by_code()) - {"internal", "unavailable", "rate_limited"}
"""What a fault in a request may be answered with."""

LONG, CONTROLS, OVERRIDE = "x" * 70_000, "a\x00\x1b\x85b", "a\u202eb\u2067c"
VALUES: dict[int, tuple[Any, ...]] = {
    FieldDescriptor.TYPE_STRING: ("", LONG, CONTROLS, OVERRIDE, " ", "\ufeff", "e\u0301" * 40, "%_\\'\";--"),
    FieldDescriptor.TYPE_BYTES: (b"", b"\xff", b"x" * 70_000),
    # Negative numbers arrive as the largest ones.
    FieldDescriptor.TYPE_UINT64: (0, 1, 2**31, 2**53 - 1, 2**53, 2**63 - 1, 2**63, 2**64 - 1),
    FieldDescriptor.TYPE_UINT32: (0, 1, 2**31, 2**32 - 1),
    FieldDescriptor.TYPE_DOUBLE: (float("nan"), float("inf"), -1e308),
    FieldDescriptor.TYPE_ENUM: (0, 99, -1),
    FieldDescriptor.TYPE_BOOL: (False, True),
}


def bad(message: Any) -> Iterator[tuple[str, Any]]:
    """The message with one field after the other set to values that nobody should send, and what was set."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            continue
        if field.is_repeated:
            yield from _repeated(message, field)
        elif field.message_type is None:
            for value in VALUES[field.type]:
                changed = _copy(message)
                setattr(changed, field.name, value)
                yield f"{field.name} = {str(value)[:30]!r}", changed
        else:
            yield from _within(message, field)


def _within(message: Any, field: FieldDescriptor) -> Iterator[tuple[str, Any]]:
    empty = _copy(message)
    getattr(empty, field.name).Clear()
    getattr(empty, field.name).SetInParent()
    yield f"{field.name} empty", empty
    for text, inner in bad(getattr(message, field.name)):
        changed = _copy(message)
        getattr(changed, field.name).CopyFrom(inner)
        yield f"{field.name}.{text}", changed


def _repeated(message: Any, field: FieldDescriptor) -> Iterator[tuple[str, Any]]:
    for text, items in _items(field):
        changed = _copy(message)
        changed.ClearField(field.name)
        getattr(changed, field.name).extend(items)
        yield f"{field.name} with {text}", changed
    twice = _copy(message)
    twice.MergeFrom(message)
    yield f"{field.name} said twice", twice


def _items(field: FieldDescriptor) -> Iterator[tuple[str, list[Any]]]:
    if field.message_type is not None:
        yield "many", [pb.Position(stream_id=number, seq=1) for number in range(1, MANY + 1)]
        yield "too large numbers", [pb.Position(stream_id=2**64 - 1, seq=2**64 - 1)]
        yield "nothing in it", [pb.Position()]
        return
    if field.type == FieldDescriptor.TYPE_STRING:
        yield "many", [f"n{number}" for number in range(MANY)]
    else:
        yield "many", list(range(1, MANY + 1))
        yield "the same", [1, 1, 1]
    for value in VALUES[field.type]:
        yield repr(value)[:30], [value]


def _copy(message: Any) -> Any:
    changed = type(message)()
    changed.CopyFrom(message)
    return changed


def world() -> World:
    """Where nothing is too often."""
    settings = ChatSettings(limits=NO_LIMITS, account_limits=NO_LIMITS)
    return World(NodeRig(settings, contacts=ContactsPolicy.REQUIRED), contacts=True)


class BadInputTests(SynchronousTestCase):
    def test_every_field_of_every_request(self) -> None:
        faults, tried = [], set()
        for row in ROWS:
            # The first row of each request is of who may.
            if row.body in tried or row.body == "hello":
                continue
            tried.add(row.body)
            here = world()
            faults += [f"{row.body}: {fault}" for fault in self._faults(here, row.body, row.build(here))]
        self.assertEqual([], faults)
        self.assertEqual(request_bodies() - UNANSWERED - {"hello"}, tried)

    def test_every_field_of_every_kind_of_content(self) -> None:
        here, faults = world(), []
        for field in pb.Content.DESCRIPTOR.oneofs_by_name["body"].fields:
            content = pb.Content()
            getattr(content, field.name).SetInParent()
            request = pb.SendMessage(conversation_id=here.talk, client_id=here.new_id(), content=content)
            faults += [f"{field.name}: {fault}" for fault in self._faults(here, "send_message", request)]
        self.assertEqual([], faults)

    def test_every_field_of_hello(self) -> None:
        here = world()
        token = here.rig.login("dan", "desk")
        good = pb.Hello(protocol_version=1, token=token, device_id="desk", device_name="d", platform="p", client="c")
        for text, changed in bad(good):
            client = here.rig.connect()
            if len(changed.SerializeToString()) > 65_536:
                client.send(hello=changed)
                [answer] = client.take()
            else:
                answer = ask(client, hello=changed)
            code = outcome(answer)
            # Whoever is not let in is told and closed.
            self.assertIn(code, STABLE | {"welcome"}, text)
            self.assertEqual(code != "welcome", client.lost, text)

    def _faults(self, here: World, body: str, good: Any) -> Iterator[str]:
        """What goes wrong with the bad values of a request."""
        names = {field.name for field in pb.Frame.DESCRIPTOR.fields}
        client = here.clients["ann"]
        for text, changed in bad(good):
            if hasattr(changed, "client_id") and "client_id" not in text:
                changed.client_id = here.new_id()
            code = outcome(ask(client, **{body: changed}))
            if code not in STABLE | names or client.lost:
                yield f"{text}: {code}"
            if client.lost:
                return
        if outcome(ask(client, ping=pb.Ping())) != "pong":
            yield "it does not answer any more"
