"""What a node pushes besides events: people, receipts, typing. Nothing of it is stored; who misses it asks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from twisted.logger import Logger

from imchat.client.translate import person_change, receipt_of
from imchat.client.values import PersonChange, Receipt, TypingSeen
from imchat.wire.imchat_pb2 import Frame

_log = Logger()

T = TypeVar("T")


class Listeners:
    """Who is told of what.

    Attributes:
        person: Told of what is new of people who are watched.
        receipt: Told of how far others have received and read.
        typing: Told of who types.
    """

    def __init__(self) -> None:
        self.person: list[Callable[[PersonChange], object]] = []
        self.receipt: list[Callable[[Receipt], object]] = []
        self.typing: list[Callable[[TypingSeen], object]] = []

    def pushed(self, frame: Frame) -> None:
        """A frame was pushed that is no event."""
        match frame.WhichOneof("body"):
            case "person_changed":
                self.tell_person(person_change(frame.person_changed))
            case "receipt":
                _tell(self.receipt, receipt_of(frame.receipt))
            case "typing_notice":
                notice = frame.typing_notice
                _tell(self.typing, TypingSeen(notice.conversation_id, notice.user_id))

    def tell_person(self, change: PersonChange) -> None:
        """Something is new of a person."""
        _tell(self.person, change)


def _tell(listeners: Iterable[Callable[[T], object]], value: T) -> None:
    for listener in tuple(listeners):
        try:
            listener(value)
        except Exception:
            # A fault of the application must not cost the connection.
            _log.failure("a listener failed")
