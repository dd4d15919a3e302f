"""The limits of one connection, in front of the scripted server."""

from imchat.domain.limits import FRESH, Limit, take

MESSAGES = Limit(600, 60_000)
FRAMES = Limit(1200, 60_000)


class LimitedNode:
    """An ``intercept`` for :class:`tests.fakes.client.FakeServer` that refuses as a chat node does.

    Messages are limited, and all frames together: whoever sends too many of those is not read from for a while.

    Attributes:
        refused: When each message over its limit was refused, in seconds.
    """

    def __init__(self, clock) -> None:
        self.clock = clock
        self.refused: list[float] = []
        self._messages = self._frames = FRESH
        self._held: list[tuple] | None = None

    def __call__(self, peer, frame) -> bool:
        if self._held is not None:
            self._held.append((peer, frame))
            return True
        self._frames, wait_ms = take(self._frames, FRAMES, self._now_ms())
        if wait_ms:
            self._held = []
            self.clock.callLater(wait_ms / 1000, self._read_on)
        if not frame.HasField("send_message"):
            return False
        return self._message(peer, frame, wait_ms)

    def _message(self, peer, frame, wait_ms) -> bool:
        conversation_id, client_id = frame.send_message.conversation_id, frame.send_message.client_id
        if peer.failed.get(conversation_id, (client_id, ""))[0] != client_id:
            return False  # refused in any case, for the one before it was
        if not wait_ms:
            self._messages, wait_ms = take(self._messages, MESSAGES, self._now_ms())
        if not wait_ms:
            return False
        self.refused.append(self.clock.seconds())
        peer.failed.pop(conversation_id, None)
        peer.fail_send(frame, "rate_limited", wait_ms)
        return True

    def _read_on(self) -> None:
        held, self._held = self._held, None
        for peer, frame in held:
            peer.frame_received(frame)

    def _now_ms(self) -> int:
        return int(self.clock.seconds() * 1000)
