"""What connections use of a chat node."""

from __future__ import annotations

from dataclasses import dataclass

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connections import Connections
from imchat.chat.logic.contacts import Contacts
from imchat.chat.logic.conversations import Conversations
from imchat.chat.logic.devices import Devices
from imchat.chat.logic.direct import Direct
from imchat.chat.logic.faults import Faults
from imchat.chat.logic.people import People
from imchat.chat.logic.positions import Positions
from imchat.chat.logic.presence import Attendance
from imchat.chat.logic.quota import Quota
from imchat.chat.logic.reading import Reading
from imchat.chat.logic.send import Sender
from imchat.chat.logic.sessions import Sessions
from imchat.chat.logic.typing_notices import TypingNotices
from imchat.chat.logic.watching import Watching
from imchat.chat.settings import ChatSettings
from imchat.net.turn import Turn
from imchat.ports import Spawn


@dataclass(frozen=True, slots=True)
class Services:
    """What connections use of a node: its logic, and what they share."""

    settings: ChatSettings
    connections: Connections
    sessions: Sessions
    sender: Sender
    reading: Reading
    direct: Direct
    contacts: Contacts
    people: People
    devices: Devices
    attendance: Attendance
    watching: Watching
    conversations: Conversations
    positions: Positions
    typing_notices: TypingNotices
    quota: Quota
    faults: Faults
    clock: IReactorTime
    turn: Turn
    spawn: Spawn
