"""The values that logic and stores exchange: frozen, without behaviour. Times are integer milliseconds UTC.

Users and streams share one space of ids: a user's private stream has the user's id, a conversation's stream has the
conversation's id. Ids are random positive integers below 2**53, so that every JSON reader keeps them whole.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

SYSTEM_SENDER = 0
"""Sender id of events that the server makes."""

MAX_ID = 2**53 - 1
"""Largest id of a user, conversation or stream."""

CLIENT_ID_LENGTH = 16
"""Length of a client message id, in bytes."""


class ConversationKind(IntEnum):
    """The stored number of each kind of conversation."""

    DIRECT = 1
    GROUP = 2


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``password_hash`` and ``email`` never leave the servers."""

    id: int
    name: str
    email: str
    password_hash: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class UserCard:
    """What others may see of a user.

    Attributes:
        gender: 0 not told, 1 female, 2 male, 3 other.
        avatar: Reference of a picture.
        deleted: The account is gone; the name is no more than a placeholder.
    """

    id: int
    name: str
    nickname: str = ""
    signature: str = ""
    gender: int = 0
    region: str = ""
    avatar: str = ""
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Device:
    """What a client says of itself at login."""

    device_id: str
    device_name: str
    platform: str


@dataclass(frozen=True, slots=True)
class Session:
    """The session of one user on one device; a new login of the device takes its place.

    Attributes:
        generation: Raised by every ``Hello``; of two connections of one session the higher one wins.
        name: The user's name.
    """

    user_id: int
    name: str
    device: Device
    generation: int
    created_ms: int
    last_used_ms: int


@dataclass(frozen=True, slots=True)
class Invitation:
    """A code that lets ``uses_left`` more people register until ``expires_ms``."""

    code: str
    uses_left: int
    expires_ms: int


@dataclass(frozen=True, slots=True)
class NodeAddress:
    """Where clients reach a chat node."""

    host: str
    port: int
    tls: bool = False


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a chat node tells the status servers every few seconds.

    Attributes:
        node_id: Its name, for people. Nothing rests on its being the only one of that name.
        incarnation: A random number that tells one life of a node from the next, and from another node that was
            given the same name; 0 from a node of a release that had none.
    """

    node_id: str
    address: NodeAddress
    connections: int
    draining: bool
    incarnation: int = 0


@dataclass(frozen=True, slots=True)
class Route:
    """Chat nodes to try, best first."""

    nodes: tuple[NodeAddress, ...]


@dataclass(frozen=True, slots=True)
class Login:
    """A session as its owner sees it once, at login. The token is a secret."""

    user_id: int
    name: str
    token: str
    expires_ms: int
    route: Route


@dataclass(frozen=True, slots=True)
class Head:
    """The head of a stream.

    Attributes:
        last_seq: Sequence number of the newest event, 0 while there is none.
        last_message_seq: Sequence number of the newest message.
        counted: How many events so far count as unread for others.
        member_version: Raised by every change that bears on who may do what here.
        last_ms: Time of the newest event, or of creation.
    """

    stream_id: int
    last_seq: int
    last_message_seq: int
    counted: int
    member_version: int
    last_ms: int


class EventState(IntEnum):
    """The stored number of what became of a message."""

    NORMAL = 0
    EDITED = 1
    RECALLED = 2
    EXPIRED = 3


@dataclass(frozen=True, slots=True)
class Reaction:
    """How many people reacted to a message in one way; ``own``: the reader is among them."""

    emoji: str
    count: int
    own: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a stream, in its place.

    Attributes:
        ordinal: How many events of the stream up to and with this one count as unread for others.
        content: The stored form (:class:`imchat.domain.content.ContentCodec`); empty where it is gone.
        changed_seq: The newest event that changed this one, 0 where none did; reactions count too.
        state: A number of :class:`EventState`.
        reactions: As of ``changed_seq``; only where a stretch of a stream was read.
        quote: With a reply: the message to which it replies, where the reader may see it.
        target: With a recall or an edit: the message as it stands now.
        target_seq: Seq of the message that this is about: which is acted on, or replied to; 0: none.
    """

    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    kind: int
    content: bytes
    ordinal: int
    created_ms: int
    changed_seq: int = 0
    state: int = EventState.NORMAL
    reactions: tuple[Reaction, ...] = ()
    quote: Event | None = None
    target: Event | None = None
    target_seq: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """An event that has no place yet.

    Attributes:
        digest: Of the request (:func:`imchat.domain.content.digest`).
        member_version: Version of the membership under which permission was checked.
        refusal: Code of the error with which the sender is to be refused unless the event is stored already:
            such a draft is only looked up.
        target: Seq of the message that this is about: which is acted on, or replied to; 0: none.
        replacement: With an edit: the new content of the target.
        mentions: Members who are mentioned.
        emoji: With a reaction: which, in UTF-8.
        removed: With a reaction: it is taken away.
    """

    stream_id: int
    sender_id: int
    client_id: bytes
    kind: int
    content: bytes
    digest: bytes
    member_version: int = 0
    refusal: str | None = None
    target: int = 0
    replacement: bytes = b""
    mentions: tuple[int, ...] = ()
    emoji: bytes = b""
    removed: bool = False


@dataclass(frozen=True, slots=True)
class Stored:
    """A draft got its place. ``resent`` says that it had it before this flush."""

    event: Event
    resent: bool = False


@dataclass(frozen=True, slots=True)
class Refused:
    """A draft was not stored; ``code`` is that of an :class:`imchat.domain.errors.IMError`."""

    code: str


@dataclass(frozen=True, slots=True)
class Member:
    """A present member of a conversation, who sees it from ``from_seq`` on.

    Attributes:
        has_contact: Direct conversation: has the peer in their list.
        blocks: Direct conversation: blocks the peer.
        gone: The account was deleted.
    """

    user_id: int
    role: int
    from_seq: int
    has_contact: bool = False
    blocks: bool = False
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Membership:
    """Who is in a conversation now, as of ``version`` (the head's ``member_version``)."""

    conversation_id: int
    kind: ConversationKind
    version: int
    members: dict[int, Member]


@dataclass(frozen=True, slots=True)
class Period:
    """A span of a stream that a member may see: both ends belong to it; no end means "until now and on"."""

    from_seq: int
    to_seq: int | None


@dataclass(frozen=True, slots=True)
class EventRange:
    """Events of a stream between ``from_seq`` and ``to_seq``, both included.

    What is absent within the range is not visible to the reader and is no hole. An empty range has
    ``to_seq == from_seq - 1``. ``last_seq`` is the head's at the time of reading.
    """

    stream_id: int
    from_seq: int
    to_seq: int
    last_seq: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class StreamState:
    """What sync tells of one stream: its head, and for a conversation its kind and other members (at most 8)."""

    head: Head
    conversation_kind: ConversationKind | None
    member_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class HostedStream:
    """A stream of which a user hears: where it ends now, and for a conversation its kind."""

    stream_id: int
    last_seq: int
    conversation_kind: ConversationKind | None


@dataclass(frozen=True, slots=True)
class Ended:
    """Sessions were ended.

    Attributes:
        event: That which tells the user's other devices.
        below_generation: The generations of all of them are below it, those of later sessions of the same devices are
            not; None where an earlier try ended them.
    """

    event: Event
    below_generation: int | None


@dataclass(frozen=True, slots=True)
class Opened:
    """The answer to opening a direct conversation; ``events`` went to the private streams if it was created now."""

    conversation_id: int
    created: bool
    events: tuple[Event, ...]
