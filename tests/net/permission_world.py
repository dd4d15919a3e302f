"""Who stands how to whom, for the tables of who may do what: contacts who talk, others who do, and who did once."""

from __future__ import annotations

from itertools import count
from typing import Any

from imchat.chat.settings import ChatSettings
from imchat.wire import imchat_pb2 as pb
from tests.fakes.chat_node import NodeRig, WireClient, message_id

UNKNOWN = 4_711
"""An id that nobody and nothing has."""


class World:
    """ann and bob are contacts and talk; so do cat and dan, whom ann does not know. eve has asked ann.

    With contacts, ann and fay were contacts and talked until fay blocked ann.

    Attributes:
        talk: The conversation of ann and bob: message 1 by ann, 2 by bob, where contacts are made behind a line of the
            server.
        foreign: That of cat and dan.
        former: That of ann and fay; 0 without contacts.
        line: Seq of the server's line in ``talk``.
        hers, his: Seq of the messages in ``talk``; ``hers`` is that of ann's in ``former`` too.
    """

    def __init__(self, rig: NodeRig, contacts: bool) -> None:
        self.rig = rig
        self.contacts = contacts
        self.clients = {name: rig.client(name) for name in ("ann", "bob", "cat", "dan", "eve", "fay")}
        self.tablet = rig.client("ann", "tablet")
        self._numbers = count(1)
        self.talk, self.foreign = self._befriend("ann", "bob"), self._befriend("cat", "dan")
        self.hers = self._said("ann", self.talk)
        self.his = self._said("bob", self.talk)
        self._said("cat", self.foreign)
        self.former, self.line = 0, 1
        if contacts:
            self.former = self._befriend("ann", "fay")
            self._said("ann", self.former)
            self.asked("fay", set_blocked=pb.SetBlocked(user_id=self.id("ann"), blocked=True))
            self.asked("eve", request_contact=pb.RequestContact(user_id=self.id("ann"), greeting="hi"))

    def id(self, name: str) -> int:
        """A user's id."""
        return self.rig.users[name]

    def new_id(self) -> bytes:
        """A client id that was not used."""
        return message_id(next(self._numbers))

    def _befriend(self, one: str, other: str) -> int:
        if self.contacts:
            self.asked(one, request_contact=pb.RequestContact(user_id=self.id(other)))
            self.asked(other, answer_contact=pb.AnswerContact(user_id=self.id(one), answer=pb.ACCEPT))
        return self.asked(one, open_direct=pb.OpenDirect(user_id=self.id(other))).direct_opened.conversation_id

    def _said(self, name: str, conversation_id: int) -> int:
        return self.asked(name, send_message=self.message(conversation_id)).accepted.seq

    def message(self, conversation_id: int) -> pb.SendMessage:
        """A new message."""
        content = pb.Content(text=pb.Text(text="hi"))
        return pb.SendMessage(conversation_id=conversation_id, client_id=self.new_id(), content=content)

    def asked(self, name: str, **body: Any) -> pb.Frame:
        """The answer to a request of a user."""
        return ask(self.clients[name], **body)

    def through(self, settings: ChatSettings) -> None:
        """ann is connected to another node from now on, with these settings."""
        self.clients["ann"] = self.rig.client("ann", node=self.rig.make_node("node-2", settings))


def ask(client: WireClient, **body: Any) -> pb.Frame:
    """The answer to a request, which may take a while: what is written in batches waits for them."""
    request_id = client.send(**body)
    for _ in range(40):
        for message in client.take():
            if message.request_id == request_id:
                return message
        client.rig.clock.advance(0.25)
        client.rig.run()
    raise AssertionError(f"{body} was not answered")


def outcome(answer: pb.Frame) -> str:
    """The name of an answer, or the code of an error."""
    name = answer.WhichOneof("body")
    return answer.error.code if name == "error" else str(name)
