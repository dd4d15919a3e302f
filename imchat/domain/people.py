"""People as the server knows them: profiles, settings, contacts, requests, presence. Times are ms UTC.

Profile, Contact and ContactRequest are also what stands in private streams, as things are after a change: whoever
applies them in order, from wherever, ends with the present state.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from imchat.domain.kinds import ContentKind
from imchat.domain.models import Device, UserCard


@dataclass(frozen=True, slots=True)
class Settings:
    """What a user decided. Only they see it."""

    hidden_from_search: bool = False
    presence_hidden: bool = False
    receipts_off: bool = False


@dataclass(frozen=True, slots=True)
class Profile:
    """One's own profile. ``email`` is empty in private streams."""

    card: UserCard
    email: str
    settings: Settings
    kind = ContentKind.PROFILE


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What is to be changed; None leaves it."""

    nickname: str | None = None
    signature: str | None = None
    gender: int | None = None
    region: str | None = None
    avatar: str | None = None
    hidden_from_search: bool | None = None
    presence_hidden: bool | None = None
    receipts_off: bool | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """What a user has noted about another.

    Attributes:
        is_contact: In the user's list.
        since_ms: Since when; 0 where not.
    """

    user_id: int
    is_contact: bool = False
    blocked: bool = False
    remark: str = ""
    labels: tuple[str, ...] = ()
    starred: bool = False
    since_ms: int = 0
    kind = ContentKind.CONTACT


class RequestState(IntEnum):
    """The stored number of each state of a contact request."""

    PENDING = 1
    ACCEPTED = 2
    DECLINED = 3
    IGNORED = 4
    EXPIRED = 5


@dataclass(frozen=True, slots=True)
class ContactRequest:
    """A contact request as one of the two sees it.

    Attributes:
        user_id: The other.
        incoming: The other asked.
        remark: Of the one who asked, for themselves; empty for the other.
        state: What the requester is told of an ignored one is PENDING.
    """

    user_id: int
    incoming: bool
    greeting: str
    remark: str
    state: RequestState
    created_ms: int
    changed_ms: int
    kind = ContentKind.CONTACT_REQUEST


class PresenceState(IntEnum):
    """The sent number of each state of presence; of several devices the highest counts."""

    OFFLINE = 0
    AWAY = 1
    ONLINE = 2


@dataclass(frozen=True, slots=True)
class Presence:
    """Whether a person is there.

    Attributes:
        platforms: Of the devices that are online or away.
        last_seen_ms: When last online; 0 where it is not told.
    """

    state: PresenceState = PresenceState.OFFLINE
    platforms: tuple[str, ...] = ()
    last_seen_ms: int = 0


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as its owner sees it in the list of devices. ``address`` is where it last connected from."""

    device: Device
    created_ms: int
    last_used_ms: int
    address: str
