"""The message path of a chat node, wired with stand-ins: what the tests of sending and delivery begin with."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from twisted.internet.task import Clock
from twisted.logger import Logger

from imchat.chat.logic.batch import Batcher
from imchat.chat.logic.connection import Live
from imchat.chat.logic.delivery import Delivery
from imchat.chat.logic.fanout import FanOut
from imchat.chat.logic.faults import Faults
from imchat.chat.logic.hosting import Hosting
from imchat.chat.logic.members import Memberships
from imchat.chat.logic.missing import Missing
from imchat.chat.logic.pushes import Pushes
from imchat.chat.logic.quota import Quota
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.send import Sender
from imchat.chat.logic.storing import Storing
from imchat.chat.logic.subscriptions import Subscriptions
from imchat.chat.settings import ChatSettings
from imchat.domain.content import Text
from imchat.domain.errors import IMError
from imchat.domain.models import Event
from imchat.domain.permissions import ContactsPolicy, permit
from imchat.net.background import spawn
from imchat.net.content import WireContentCodec
from tests.fakes.chat import MemoryStreams, RecordingBus, RecordingConnection, session, turns
from tests.fakes.ids import SeededIds


def message_id(number: int) -> bytes:
    """The client id of a test's message."""
    return number.to_bytes(16, "big")


class SendRig:
    """One node's message path.

    Args:
        streams: The store.
        settings: Defaults where None.
    """

    def __init__(self, streams: MemoryStreams, settings: ChatSettings | None = None) -> None:
        self.clock = Clock()
        self.clock.advance(1_000_000)
        self.log = Logger()
        self.settings = replace(settings or ChatSettings(), contacts=ContactsPolicy.OPEN)
        self.streams = streams
        self.bus = RecordingBus()
        self.registry = Registry()
        self.encoded: list[Event] = []
        self.memberships = Memberships(streams, self.settings.cached_members)
        self.fan_out = FanOut(self.registry, self._encode, self.clock, self.settings.fan_out)
        self.hosting = Hosting(streams, Subscriptions(self.bus, spawn))
        self.pushes = Pushes(self.fan_out, self.hosting)
        self.missing = Missing(
            streams, self.memberships, self.hosting, self.pushes, WireContentCodec(), self.clock, spawn
        )
        self.hosting.report(self.missing.expect, self.memberships.drop)
        self.pushes.report(self.missing.expect, self.missing.added, self.missing.unhosted)
        self.delivery = Delivery(self.pushes, self.memberships, self.bus, spawn)
        self.quota = Quota(self.clock, self.settings.limits, self.settings.account_limits)
        self.sender = Sender(
            WireContentCodec(), self.memberships, self.delivery, self.quota, self.log, self.settings.contacts
        )
        self.storing = Storing(streams, Faults(SeededIds(), self.log), partial(permit, policy=self.settings.contacts))
        self.batcher = Batcher(self.storing, self.settings, self.clock, spawn, self.sender.settle)
        self.sender.feed(self.batcher)

    def _encode(self, event: Event) -> bytes:
        self.encoded.append(event)
        return f"{event.stream_id}/{event.seq}".encode()

    def join(self, user_id: int, device_id: str = "phone") -> Live:
        """Let a device in."""
        connection = RecordingConnection(f"{user_id}/{device_id}")
        live = self.quota.join(connection, session(user_id, device_id))
        self.hosting.hold(user_id)
        self.registry.add(live)
        spawn("loading", self.hosting.load(user_id))
        return live

    def leave(self, live: Live) -> None:
        """Its connection is gone."""
        self.registry.remove(live)
        self.quota.leave(live)
        self.hosting.release(live.user_id)

    def send(self, live: Live, conversation_id: int, number: int, text: str | None = None) -> None:
        """Send message ``number``; an error raised at once counts as the answer."""
        content = Text(f"m{number}" if text is None else text)
        over = self.quota.request(live)
        try:
            self.sender.submit(live, number, conversation_id, message_id(number), content, over)
        except IMError as error:
            live.connection.refused(number, error)

    def run(self) -> None:
        """Let some reactor turns pass."""
        turns(self.clock)

    def texts(self, conversation_id: int) -> list[str]:
        """What is stored in a conversation, in order."""
        codec = WireContentCodec()
        found = [codec.decode(1, content) for content in self.streams.contents(conversation_id)]
        return [content.text for content in found if isinstance(content, Text)]
