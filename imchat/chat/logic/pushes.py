"""Pushes in order: each event of a stream once, and none before those that come before it."""

from __future__ import annotations

from collections.abc import Callable

from imchat.chat.logic.connection import Live
from imchat.chat.logic.fanout import FanOut
from imchat.chat.logic.hosting import Hosted, Hosting
from imchat.domain.content import ContentKind
from imchat.domain.models import Event, Membership

MAX_WAITING = 256
"""Events of one stream that are kept while one before them is missing; what comes beyond is fetched with it."""


class Pushes:
    """Puts the events of each stream in order.

    An event that was pushed is dropped. One ahead of its stream's mark waits for those between, which are reported
    missing.

    Args:
        fan_out: To the connections here.
        hosting: The marks.
    """

    def __init__(self, fan_out: FanOut, hosting: Hosting) -> None:
        self._fan_out = fan_out
        self._hosting = hosting
        self._missing: Callable[[int, int], None] = lambda stream_id, seq: None
        self._added: Callable[[Event, bool], None] = lambda event, late: None
        self._unhosted: Callable[[Membership], Hosted | None] = lambda membership: None

    def report(
        self,
        missing: Callable[[int, int], None],
        added: Callable[[Event, bool], None],
        unhosted: Callable[[Membership], Hosted | None],
    ) -> None:
        """Set who is told.

        Args:
            missing: A stream has events up to a seq that were not pushed.
            added: A user was added to a conversation, by this event of their private stream; whether it was fetched.
            unhosted: There is an event of a conversation that nobody here is known to hear of; hosts it, if somebody
                does.
        """
        self._missing, self._added, self._unhosted = missing, added, unhosted

    def pushed(self, stream_id: int, seq: int) -> bool:
        """Whether an event needs no push any more."""
        stream = self._hosting.get(stream_id)
        return stream is not None and seq <= stream.seq

    def offer(self, event: Event, membership: Membership | None, skip: tuple[Live, ...] = ()) -> None:
        """Push an event, now or in its turn.

        Args:
            membership: Of its conversation; None for a private stream.
            skip: Connections that know of it already.
        """
        stream = self._hosting.get(event.stream_id)
        if stream is None and membership is not None:
            stream = self._unhosted(membership)
        if stream is None or event.seq <= stream.seq:
            return
        if event.seq == stream.seq + 1:
            self._push(stream, event, membership, skip)
            if stream.waiting:
                self._go_on(stream)
            return
        if len(stream.waiting) < MAX_WAITING:
            stream.waiting.setdefault(event.seq, (event, membership, skip))
        self._missing(event.stream_id, event.seq)

    def behind(self, user_id: int, stream_id: int, last_seq: int) -> None:
        """A user who is here begins to hear of a stream whose pushes have come to a seq already."""
        self._fan_out.behind(user_id, stream_id, last_seq)

    def passed(self, stream: Hosted, seq: int) -> None:
        """All up to a seq was pushed, or is not for anybody here."""
        stream.seq = max(stream.seq, seq)
        for ahead in [ahead for ahead in stream.waiting if ahead <= stream.seq]:
            del stream.waiting[ahead]
        self._go_on(stream)

    def fetched(self, stream: Hosted, event: Event, membership: Membership | None) -> None:
        """Push an event that was read from the store, all before it being pushed or not for anybody here."""
        if event.seq > stream.seq:
            _, _, skip = stream.waiting.pop(event.seq, (event, membership, ()))
            self._push(stream, event, membership, skip, late=True)

    def _go_on(self, stream: Hosted) -> None:
        while (ahead := stream.waiting.pop(stream.seq + 1, None)) is not None:
            self._push(stream, *ahead)

    def _push(
        self,
        stream: Hosted,
        event: Event,
        membership: Membership | None,
        skip: tuple[Live, ...],
        late: bool = False,
    ) -> None:
        stream.seq = event.seq
        if membership is not None:
            self._fan_out.to_members(event, membership, skip)
            return
        self._fan_out.to_user(event, event.stream_id)
        if event.kind == ContentKind.CONVERSATION_ADDED:
            self._added(event, late)
