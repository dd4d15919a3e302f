"""Profiles, contacts, and what the truth knows of presence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from imchat.domain.contacts import Rule
from imchat.domain.models import Event, UserCard
from imchat.domain.people import Contact, ContactRequest, Profile, ProfileChange
from imchat.domain.presence import Seen
from imchat.domain.profiles import SearchPlace, SearchQuery
from imchat.ports.streams import Announce


@dataclass(frozen=True, slots=True)
class Related:
    """How a user stands with another after an act.

    Attributes:
        contact: What the user has noted about the other.
        requests: Those of the two directions that exist, as the user sees them.
        events: What was appended: to private streams, and to the direct conversation.
        conversation_id: The direct conversation; None where there is none.
        moved: What bears on who may write to whom was changed, and the version of the conversation's members raised.
    """

    contact: Contact
    requests: tuple[ContactRequest, ...]
    events: tuple[Event, ...] = ()
    conversation_id: int | None = None
    moved: bool = False


class ContactStore(Protocol):
    """Contacts, requests and blocks."""

    async def change(
        self, user_id: int, peer_id: int, rule: Rule, conversation_id: int, announce: Announce, now_ms: int
    ) -> Related:
        """Bring two different users to where ``rule`` says, and append what both have to know of it.

        All in one transaction, which has locked the heads of both private streams and of the direct conversation.
        Who become contacts get a direct conversation, with ``conversation_id`` where there is none. A rule that
        changes nothing appends nothing.

        Raises:
            NotFound: the peer does not exist.
            TooMany: a list would become too long.
            IMError: what the rule raised.
        """

    async def contacts(
        self, user_id: int, blocked: bool, after_id: int, limit: int
    ) -> tuple[list[tuple[Contact, UserCard]], int | None]:
        """The contacts of a user, or those whom they block, ascending by id and above ``after_id``.

        Returns:
            One page, and the id after which the next begins, None at the end.
        """

    async def requests(
        self, user_id: int, incoming: bool, every: bool, cursor: tuple[int, int] | None, limit: int, now_ms: int
    ) -> tuple[list[tuple[ContactRequest, UserCard]], tuple[int, int] | None]:
        """Requests to or from a user as they see them, those that wait or every one, newest change first.

        Returns:
            One page, and the cursor of the next, None at the end.
        """

    async def visible_to(self, viewer_id: int, peer_ids: Sequence[int]) -> set[int]:
        """Those of the peers who have the viewer as a contact, and the viewer them, and who do not block the viewer."""


@dataclass(frozen=True, slots=True)
class ProfileChanged:
    """The outcome of a change of a profile.

    Attributes:
        profile: As it is now, with the e-mail address.
        events: Of the private stream; none where nothing changed.
    """

    profile: Profile
    events: tuple[Event, ...]


class PeopleStore(Protocol):
    """Profiles, and the search for people."""

    async def profile(self, user_id: int) -> Profile | None:
        """A user's own profile; None for one who does not exist or is deleted."""

    async def change_profile(self, user_id: int, change: ProfileChange, announce: Announce) -> ProfileChanged | None:
        """Change what differs, and announce the profile (without the address) in the private stream in the same
        transaction. A try that was committed already is found by what it announced.

        Returns:
            None for one who does not exist or is deleted.
        """

    async def search(
        self, query: SearchQuery, place: SearchPlace | None, limit: int
    ) -> tuple[list[UserCard], SearchPlace | None]:
        """Whom a query finds, without those who hide from search and those who are deleted: the one with the id, then
        by name (an exact one comes first), then by nickname, each once.

        Args:
            query: Who is looked for.
            place: Where the page before ended; None for the first.
            limit: At most so many.

        Returns:
            One page, and where the next begins; None at the end.
        """


class SeenStore(Protocol):
    """What the truth knows of people's presence."""

    async def seen(self, user_ids: Sequence[int]) -> dict[int, Seen]:
        """When each of those who exist was last there, and whether they hide it."""

    async def note_seen(self, seen: Mapping[int, int]) -> None:
        """Note when users were last there (ms UTC); an earlier time than is known changes nothing."""


class Relations(Protocol):
    """Who is whose contact."""

    async def visible_to(self, viewer_id: int, peer_ids: Sequence[int]) -> set[int]:
        """Those of the peers whom the viewer may watch: each has the other in their list, and they do not block the
        viewer."""
