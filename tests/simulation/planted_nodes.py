"""Faults planted in chat nodes: each breaks one part of a node that is built and wired as always."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from imchat.chat.adapter import ChatConnection
from imchat.chat.factory import ChatFactory
from imchat.chat.logic.batch import Batcher
from imchat.chat.logic.connection import Block, Live
from imchat.chat.logic.fanout import FanOut
from imchat.chat.logic.registry import Registry
from imchat.chat.logic.sessions import Sessions
from imchat.chat.logic.storing import Flushed
from imchat.chat.logic.sweep import Sweep
from imchat.chat.node import ChatNode
from imchat.domain.errors import SessionEnded, SessionReplaced
from imchat.domain.models import Event, Membership
from imchat.net.redis.subscriptions import Subscriptions
from imchat.ports import SessionsClosed
from tests.simulation.run import MOVING_IN
from tests.simulation.servers import CHAT_PORT
from tests.simulation.world import World


def turned_into(thing: Any, kind: type) -> Any:
    """Let something that was built and wired go on as one of a subclass of its class."""
    thing.__class__ = kind
    return thing


class BrokenNode(World):
    """A world with broken chat nodes."""

    def build_chat_node(self, base, node_id, address, database, bus, presence, status, limiter):
        node = super().build_chat_node(base, node_id, address, database, bus, presence, status, limiter)
        self.plant(node, node_id, bus)
        return node

    def plant(self, node: ChatNode, node_id: str, bus: Any) -> None:
        """Break a node."""
        raise NotImplementedError


class BellAlone(BrokenNode):
    """A world in which nodes look for themselves only when they suspect something, not every minute beside that."""

    def __init__(self, seed, conditions) -> None:
        super().__init__(seed, replace(conditions, chat=replace(conditions.chat, revalidation_interval=3_600)))

    def plant(self, node: ChatNode, node_id: str, bus: Any) -> None:
        """Leave it whole."""


class _BlindSweep(Sweep):
    def _look(self) -> None:
        self._began = self._clock.seconds()
        self._spawn("checking sessions", self._sessions.run())


class NeverSweeps(BrokenNode):
    """After a lost subscription nobody looks for what was missed."""

    def plant(self, node, node_id, bus):
        turned_into(node._lifecycle._sweep, _BlindSweep)


class FarRedis(BellAlone):
    """A world without other faults in which all clients come back at once while what a node asks of Redis takes long:
    something may well happen between asking for a channel and hearing it."""

    def __init__(self, seed, conditions) -> None:
        super().__init__(seed, replace(conditions, faults=0, nodes=2))
        self.network._extra["10.0.2.1", "10.0.0.2"] = 0.8

    def boot(self) -> None:
        """Switch on all servers."""
        super().boot()
        self.timeline.after(1 + MOVING_IN + self.conditions.busy - 2, self._cut)

    def _cut(self) -> None:
        for end in list(self.network.connections):
            if end.protocol and end.getPeer().port == CHAT_PORT:
                end.cut()


class _Mistaken(Subscriptions):
    def confirmed(self, channel: bytes) -> bool:
        for other in list(self._unconfirmed):
            self._settle(other)
        return super().confirmed(channel)


class ConfirmsTheWrongChannel(FarRedis):
    """Redis' confirmation of one channel is taken for that of all that were asked for."""

    def plant(self, node, node_id, bus):
        turned_into(bus._subscriptions, _Mistaken)


class _Dropping(ChatConnection):
    def push(self, stream_id: int, seq: int, data: bytes) -> None:
        if self.welcomed and not self.slow:
            self.send_framed(data)


class _DroppingFactory(ChatFactory):
    def buildProtocol(self, addr):
        protocol = super().buildProtocol(addr)
        return turned_into(protocol, _Dropping) if isinstance(protocol, ChatConnection) else protocol


class DropsOnAFullBuffer(BrokenNode):
    """What a slow client has no room for is dropped, and it is not told so."""

    def plant(self, node, node_id, bus):
        turned_into(node.factory, _DroppingFactory)


class _Remembering(Registry):
    dead: tuple[Live, ...] = ()

    def all(self) -> tuple[Live, ...]:
        return (*self.dead, *super().all())


class RemembersTheDead(BrokenNode):
    """Who was on a node when it crashed counts as being on it ever after."""

    def __init__(self, seed, conditions) -> None:
        self._registries: dict[str, Registry] = {}
        super().__init__(seed, conditions)

    def plant(self, node, node_id, bus):
        registry = turned_into(node._sessions._registry, _Remembering)
        if node_id in self._registries:
            registry.dead = self._registries[node_id].all()
        self._registries[node_id] = registry


class IgnoresNewConversations(BrokenNode):
    """A node knows of its users' conversations what it read at their login, and nothing later."""

    def plant(self, node, node_id, bus):
        pushes = node._delivery._pushes
        pushes.report(pushes._missing, lambda event, late: None, lambda membership: None)


class _Unruly(Batcher):
    def _fail_followers(self, flushed: Flushed) -> None:
        """Let them be stored before what failed comes again."""


class _Open(dict):
    def __setitem__(self, conversation_id: int, block: Block) -> None:
        """Block nothing."""


class _Unblocked(Registry):
    def add(self, live: Live) -> None:
        live.blocks = _Open()
        super().add(live)


class ForgetsTheOrderRule(BrokenNode):
    """What comes behind a message that failed is stored without it."""

    def plant(self, node, node_id, bus):
        turned_into(node.factory._services.sender._add.__self__, _Unruly)
        turned_into(node._sessions._registry, _Unblocked)


class _Lenient(Sessions):
    def closed(self, notice: SessionsClosed) -> None:
        if notice.code != SessionReplaced.code:
            super().closed(notice)

    def compare(self, live: Live, generation: int | None) -> None:
        super().compare(live, None if generation is None else live.generation)


class LetsReplacedDevicesStay(BrokenNode):
    """Of two connections of one session on two nodes both stay."""

    def plant(self, node, node_id, bus):
        turned_into(node._sessions, _Lenient)


class _Heedless(Sessions):
    def closed(self, notice: SessionsClosed) -> None:
        if notice.code != SessionEnded.code:
            super().closed(notice)

    def compare(self, live: Live, generation: int | None) -> None:
        super().compare(live, live.generation if generation is None else generation)


class ServesEndedSessions(BrokenNode):
    """A connection stays when its session is ended."""

    def plant(self, node, node_id, bus):
        turned_into(node._sessions, _Heedless)


class _Talkative(FanOut):
    def _recipients(self, event: Event, membership: Membership, skip: tuple[Live, ...]) -> Iterator[Live]:
        return (live for lives in self._by_user.values() for live in lives if live not in skip)


class TellsEverybody(BrokenNode):
    """An event is pushed to all who are on the node, members or not."""

    def plant(self, node, node_id, bus):
        turned_into(node._delivery._pushes._fan_out, _Talkative)
