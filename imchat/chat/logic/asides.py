"""What is told to those who are there at the moment and stored nowhere: receipts, and that somebody is typing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from imchat.chat.logic.delivery import Delivery, user_channel
from imchat.chat.logic.registry import Registry
from imchat.ports import Notice, ReceiptMoved, TypingSeen

Aside: TypeAlias = ReceiptMoved | TypingSeen

EncodeAside = Callable[[Aside], bytes]
"""An aside as it is pushed, ready for any connection."""


class Asides:
    """Tells people, on whatever node they are.

    Args:
        registry: Who is here.
        delivery: To the other nodes.
        encode: Encodes one once for all connections.
    """

    def __init__(self, registry: Registry, delivery: Delivery, encode: EncodeAside) -> None:
        self._registry = registry
        self._delivery = delivery
        self._encode = encode

    def tell(self, asides: Sequence[Aside]) -> None:
        """Tell each to the people whom it is for, here and elsewhere."""
        notices: list[tuple[str, Notice]] = []
        for aside in asides:
            self._push(aside, aside.for_ids)
            notices += [(user_channel(user_id), aside) for user_id in aside.for_ids]
        self._delivery.publish(notices)

    def heard(self, channel: str, aside: Aside) -> None:
        """Tell here what another node says; of several people whom it is for, each has a channel."""
        self._push(aside, (user_id for user_id in aside.for_ids if user_channel(user_id) == channel))

    def _push(self, aside: Aside, user_ids: Iterable[int]) -> None:
        data: bytes | None = None
        for user_id in user_ids:
            for live in self._registry.of_user(user_id):
                data = self._encode(aside) if data is None else data
                live.connection.tell(data)
