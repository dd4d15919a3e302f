"""The client library: log in, stay connected, receive each message once and in order, send each message once.

:class:`Bot` is for programs that answer; :class:`Client` is what bots, the terminal client and the desktop stand on.
"""

from imchat.client.bot import Bot, Message
from imchat.client.client import Client, Page
from imchat.client.errors import (
    ClientError,
    Disconnected,
    NotLoggedIn,
    StateBusy,
    StateError,
    Stopped,
    Unreachable,
)
from imchat.client.gate import Gate
from imchat.client.inbox import Received
from imchat.client.login import Credentials
from imchat.client.options import Options, Outside, Status
from imchat.client.outbox import Accepted
from imchat.client.sqlite import SqliteState
from imchat.client.state import MemoryState, SavedSession
from imchat.client.turn import Turn
from imchat.client.values import (
    ContactChange,
    Conversation,
    ListedContact,
    ListedRequest,
    OwnSession,
    PersonChange,
    Receipt,
    TypingSeen,
)
from imchat.net.ids import SecureIds

__all__ = [
    "Accepted",
    "Bot",
    "Client",
    "ClientError",
    "ContactChange",
    "Conversation",
    "Credentials",
    "Disconnected",
    "Gate",
    "ListedContact",
    "ListedRequest",
    "MemoryState",
    "Message",
    "NotLoggedIn",
    "Options",
    "Outside",
    "OwnSession",
    "Page",
    "PersonChange",
    "Receipt",
    "Received",
    "SavedSession",
    "SecureIds",
    "SqliteState",
    "StateBusy",
    "StateError",
    "Status",
    "Stopped",
    "Turn",
    "TypingSeen",
    "Unreachable",
]
