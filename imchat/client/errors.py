"""What can go wrong on the client's own side. What a server refuses is an :class:`imchat.domain.errors.IMError`.

The tree::

    ClientError
     +-- Unreachable      a gate or chat node did not answer; the message says which
     +-- Disconnected     the connection to the chat node ended while an answer was awaited
     +-- Stopped          the client was stopped; what it had not sent stays in the outbox
     +-- NotLoggedIn      there is no session, and no password to make one
     +-- StateError       the state file cannot be read or written
          +-- StateBusy   another program uses it
"""

from __future__ import annotations


class ClientError(Exception):
    """A failure on this side of the connection; the message is one sentence for people."""


class Unreachable(ClientError):
    """A server did not answer."""


class Disconnected(ClientError):
    """The connection ended; whether the request was carried out is unknown."""


class Stopped(ClientError):
    """The client was stopped."""


class NotLoggedIn(ClientError):
    """There is no session, and no password to make one."""


class StateError(ClientError):
    """The state file cannot be read or written."""


class StateBusy(StateError):
    """Another program uses the state file."""


def one_line(error: BaseException) -> str:
    """The text of any exception as a part of a sentence."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
