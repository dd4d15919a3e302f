"""The shape of a handler."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeAlias

from twisted.internet.defer import Deferred

from imchat.chat.logic.connection import Live
from imchat.wire import imchat_pb2 as pb

if TYPE_CHECKING:
    from imchat.chat.services import Services

Answer: TypeAlias = Coroutine[Deferred[Any], Any, pb.Frame]

Request = Callable[["Services", Live, pb.Frame], Answer]
"""Answers a request: a frame without its request_id. It may raise an :class:`imchat.domain.errors.IMError`."""
