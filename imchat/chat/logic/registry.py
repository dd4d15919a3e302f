"""The live sessions of this node, by user and by connection."""

from __future__ import annotations

from collections.abc import Mapping

from imchat.chat.logic.connection import Connection, Live


class Registry:
    """Which connections have which sessions: at most one for each user and device."""

    def __init__(self) -> None:
        # Tuples, replaced on change: whoever goes through one is not disturbed by a connection that ends meanwhile.
        self._by_user: dict[int, tuple[Live, ...]] = {}
        self._by_connection: dict[Connection, Live] = {}

    @property
    def by_user(self) -> Mapping[int, tuple[Live, ...]]:
        """The live sessions of each user who has any, in the order in which they came."""
        return self._by_user

    def __len__(self) -> int:
        return len(self._by_connection)

    def all(self) -> tuple[Live, ...]:
        """Every live session, in the order in which they came."""
        return tuple(self._by_connection.values())

    def of_user(self, user_id: int) -> tuple[Live, ...]:
        """The live sessions of a user."""
        return self._by_user.get(user_id, ())

    def of_device(self, user_id: int, device_id: str) -> Live | None:
        """The live session of a device."""
        return next((live for live in self.of_user(user_id) if live.device_id == device_id), None)

    def of_connection(self, connection: Connection) -> Live | None:
        """The live session of a connection."""
        return self._by_connection.get(connection)

    def add(self, live: Live) -> None:
        """Add a session; its device must have none here."""
        self._by_user[live.user_id] = (*self.of_user(live.user_id), live)
        self._by_connection[live.connection] = live

    def remove(self, live: Live) -> bool:
        """Remove a session; return whether it was here."""
        if self._by_connection.get(live.connection) is not live:
            return False
        del self._by_connection[live.connection]
        left = tuple(other for other in self.of_user(live.user_id) if other is not live)
        if left:
            self._by_user[live.user_id] = left
        else:
            del self._by_user[live.user_id]
        return True
