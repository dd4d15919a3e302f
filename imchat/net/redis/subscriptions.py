"""Which channels are wanted, and which are known to be heard: rules without a socket.

Redis confirms every channel of a SUBSCRIBE and of an UNSUBSCRIBE by its name, those of one channel in the order of the
commands. So a number per channel is enough: how many confirmations are still to come on this connection.
"""

from __future__ import annotations

from collections.abc import Iterable

from twisted.internet.defer import Deferred


class _Hold:
    """Somebody who waits until channels are settled."""

    __slots__ = ("deferred", "missing")

    def __init__(self, missing: set[bytes]) -> None:
        self.missing = missing
        self.deferred: Deferred[None] = Deferred()


class Subscriptions:
    """The channels of one node.

    Attributes:
        up: Whether there is a connection.
        missed: Whether messages of wanted channels may be missed, or may have been since :meth:`confirmed` last
            said that all are heard again.
    """

    def __init__(self) -> None:
        self.up = False
        self.missed = False
        self._away = False
        self._wanted: dict[bytes, None] = {}
        self._unconfirmed: dict[bytes, int] = {}
        self._remaking: set[bytes] = set()
        self._holds: dict[bytes, list[_Hold]] = {}

    def __contains__(self, channel: bytes) -> bool:
        return channel in self._wanted

    def want(self, channels: Iterable[bytes]) -> tuple[list[bytes], Deferred[None] | None]:
        """Add channels.

        Returns:
            The channels to subscribe now, and a Deferred that fires when all those given are heard (or nobody knows
            any more when they will be); None where there is nothing to wait for: they are heard, or the connection is
            known to be away.
        """
        asked = dict.fromkeys(channels)
        new = [channel for channel in asked if channel not in self._wanted]
        self._wanted.update(dict.fromkeys(new))
        if self._away:
            self.missed = True
            return [], None
        if self.up:
            self._await(new)
            missing = [channel for channel in asked if channel in self._unconfirmed]
        else:
            missing = list(asked)
        if not missing:
            return [], None
        return (new if self.up else []), self._hold(missing)

    def drop(self, channels: Iterable[bytes]) -> list[bytes]:
        """Take channels away; return those to unsubscribe now."""
        old = [channel for channel in dict.fromkeys(channels) if channel in self._wanted]
        for channel in old:
            del self._wanted[channel]
        if self.up:
            self._await(old)
            return old
        for channel in old:
            self._settle(channel)
        return []

    def connected(self) -> list[bytes]:
        """There is a connection; return the channels to subscribe."""
        self.up, self._away = True, False
        channels = list(self._wanted)
        self._remaking = set(channels) if self.missed else set()
        self._await(channels)
        return channels

    def confirmed(self, channel: bytes) -> bool:
        """Take a confirmation.

        Returns:
            True when with this one all that may have been missed is heard again.
        """
        left = self._unconfirmed.get(channel, 0) - 1
        if left > 0:
            self._unconfirmed[channel] = left
            return False
        self._unconfirmed.pop(channel, None)
        self._settle(channel)
        if channel not in self._remaking:
            return False
        self._remaking.discard(channel)
        self.missed = bool(self._remaking)
        return not self.missed

    def away(self) -> None:
        """There is no connection, and nobody knows when there will be one: let all go who wait."""
        self.up, self._away, self.missed = False, True, True
        self._unconfirmed.clear()
        self._remaking.clear()
        # In the order in which they came, each once: what follows is the same whenever the same has happened.
        holds = dict.fromkeys(hold for waiting in self._holds.values() for hold in waiting)
        self._holds.clear()
        for hold in holds:
            hold.deferred.callback(None)

    def _settle(self, channel: bytes) -> None:
        for hold in self._holds.pop(channel, ()):
            hold.missing.discard(channel)
            if not hold.missing:
                hold.deferred.callback(None)

    def _await(self, channels: Iterable[bytes]) -> None:
        for channel in channels:
            self._unconfirmed[channel] = self._unconfirmed.get(channel, 0) + 1

    def _hold(self, missing: list[bytes]) -> Deferred[None]:
        hold = _Hold(set(missing))
        for channel in missing:
            self._holds.setdefault(channel, []).append(hold)
        return hold.deferred
