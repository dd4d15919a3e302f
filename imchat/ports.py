"""What the logic needs from outside, as protocols. Stores raise :class:`imchat.domain.errors.IMError` or let a
fault through: ``Unavailable`` means that the outcome is unknown and the same call may be made again.

``now_ms`` arguments are milliseconds UTC from the caller's clock. Every method is safe to call again with the same
arguments after ``Unavailable`` unless it says otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from imchat.domain.contacts import Rule
from imchat.domain.content import Note
from imchat.domain.conversations import Conversation, Mark, Receipt, Selection, StateChange
from imchat.domain.limits import Limit as Limit
from imchat.domain.models import (
    Device,
    Draft,
    Ended,
    Event,
    EventRange,
    Head,
    HostedStream,
    Invitation,
    Login,
    Member,
    Membership,
    NodeReport,
    Opened,
    Refused,
    Route,
    Session,
    Stored,
    StreamState,
    User,
    UserCard,
)
from imchat.domain.people import Contact, ContactRequest, Profile, ProfileChange, SessionInfo
from imchat.domain.presence import PresenceEntry, Seen
from imchat.domain.profiles import SearchPlace, SearchQuery


class Ids(Protocol):
    """Where randomness comes from: injected, so that a test can repeat it."""

    def new_id(self) -> int:
        """A random id for a user or conversation, 1 to 2**53 - 1."""

    def token(self) -> bytes:
        """32 random bytes for a session token."""

    def client_id(self) -> bytes:
        """16 random bytes for an event that the server makes."""

    def digits(self, count: int) -> str:
        """``count`` random decimal digits, for a verification code."""

    def fraction(self) -> float:
        """A random number from 0 up to 1, for jitter. Need not be unpredictable."""


# --- the truth (SQL)


class AccountStore(Protocol):
    """Accounts. Names and addresses are unique by their normalised key (:mod:`imchat.domain.accounts`)."""

    async def create(self, user: User, name_key: str, email_key: str, invitation: str | None, now_ms: int) -> None:
        """Store a new account with an empty private stream; use up one use of ``invitation`` if there is one.

        All in one transaction.

        Raises:
            NameTaken: the name's key is taken.
            EmailTaken: the address's key is taken.
            InvitationInvalid: the invitation is unknown, used up or expired.
        """

    async def by_login(self, key: str) -> User | None:
        """The account whose name key or e-mail key is ``key``."""

    async def by_email(self, email_key: str) -> User | None:
        """The account with this address."""

    async def by_name(self, name_key: str) -> User | None:
        """The account with this name."""

    async def cards(self, user_ids: Sequence[int], name_keys: Sequence[str]) -> list[UserCard]:
        """The public side of those accounts that exist, without repetition."""

    async def set_password(self, user_id: int, password_hash: str, expected_hash: str | None = None) -> bool:
        """Replace the password hash; with ``expected_hash`` only while that is the stored one.

        Returns:
            Whether it was replaced.
        """

    async def delete(self, user_id: int, expected_hash: str, now_ms: int) -> bool:
        """Delete an account for good, while ``expected_hash`` is its password's.

        What it was known by is free for others, its profile is empty, and nobody can log in; its sessions, its own
        contacts and its contact requests are gone. The row stays, under a placeholder, for those who talked with it;
        the membership of each of its conversations has a new version.

        Returns:
            Whether it is deleted now, also by an earlier try.
        """


class InvitationStore(Protocol):
    """Invitation codes, which operators make."""

    async def add(self, invitation: Invitation, now_ms: int) -> None:
        """Store an invitation."""

    async def usable(self, code: str, now_ms: int) -> bool:
        """Whether the code has uses left and is not expired. Uses nothing up."""


class SessionStore(Protocol):
    """Sessions: one per user and device, found by the SHA-256 of its token."""

    async def open(self, user_id: int, device: Device, token_hash: bytes, now_ms: int) -> int | None:
        """Store a session; one that the device has already is replaced, its token with it.

        Returns:
            Below which generation connections of the device are those of the session that was replaced; None if
            there was none. A call that comes again replaces nothing, and is told the session's present generation.

        Raises:
            Unavailable: the device has one that was opened some seconds after ``now_ms``: this call comes late, its
                caller is given up by now, and nothing was changed.
        """

    async def by_token(self, token_hash: bytes, now_ms: int) -> Session | None:
        """The session of a token that is in use or was used within the session lifetime; counts as use."""

    async def hello(self, token_hash: bytes, device_id: str, now_ms: int, address: str = "") -> Session | None:
        """Raise the session's generation and return it; None if there is none or the device is another.

        Args:
            token_hash: Of the session.
            device_id: For which it was opened.
            now_ms: The time.
            address: Where the client connects from, for the owner's list.
        """

    async def of_user(self, user_id: int, now_ms: int) -> list[SessionInfo]:
        """The sessions of a user that are not expired, the last used first."""

    async def generations(self, sessions: Iterable[tuple[int, str]]) -> Mapping[tuple[int, str], int]:
        """The generation of each (user, device) that still has a session; ended ones are absent."""

    async def touch(self, sessions: Iterable[tuple[int, str]], now_ms: int) -> None:
        """Note that these (user, device) sessions are in use."""

    async def end(
        self, user_id: int, device_ids: Sequence[str] | None, farewell: Draft, token_hash: bytes | None = None
    ) -> Ended | None:
        """End sessions of a user, all of them where ``device_ids`` is None, and append ``farewell`` to the private
        stream in the same transaction.

        Args:
            user_id: Whose.
            device_ids: On which devices.
            farewell: The event that tells the user's other devices.
            token_hash: Only the session that has this token now: a newer login of the device is left alone.

        Returns:
            None if there was no such session (nothing is appended then).
        """


Announce = Callable[[Sequence[tuple[int, Note]]], list[Draft]]
"""Makes the drafts of what the server writes, for (stream_id, note); called within a transaction, once in each try."""

Permit = Callable[[Draft, Membership], str | None]
"""Checks permission again under the lock: the code of the refusal, or None."""

MayWrite = Callable[[Sequence[Member]], str | None]
"""Whether two users may write to each other (None) or with which code they are refused; called under the lock."""


@dataclass(frozen=True, slots=True)
class FlushResult:
    """Outcome of one flush.

    Attributes:
        outcomes: One per draft, in order.
        reloaded: The memberships that had to be read anew.
        kept: Streams that others kept locked. A draft for one of them is refused with ``unavailable`` unless it is
            stored already: the same call may be made again.
    """

    outcomes: Sequence[Stored | Refused]
    reloaded: Mapping[int, Membership]
    kept: frozenset[int] = frozenset()


class StreamStore(Protocol):
    """Streams of events (DESIGN: streams, the path of a message)."""

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        """Append drafts to their streams in one durable transaction, in the order given.

        Heads are locked in id order; where a draft of a person carries a ``member_version`` that differs from
        the head's, the membership is read under the lock and ``permit`` decides. A draft whose (stream, sender,
        client id) is stored already is answered with the stored event (``resent``) if the digest is the same, else
        refused with ``conflict``; so is the second of two equal ids within ``drafts``. A draft with ``refusal`` is
        only looked up. One with a ``target`` is judged by :mod:`imchat.domain.acts` in its turn, and changes its
        target in the same transaction; its event comes with the target as it stands then. A person's message moves
        that person's position of reading, and marks those whom it mentions. An unknown stream is refused with
        ``not_found``. Streams that others keep locked hold up no other: see :class:`FlushResult`.

        Raises:
            Unavailable: nothing is known to be stored; the transaction may or may not have been committed.
        """

    async def heads(self, stream_ids: Sequence[int]) -> dict[int, Head]:
        """The heads of those streams that exist."""

    async def read(
        self,
        stream_id: int,
        reader_id: int,
        *,
        after: int | None,
        before: int | None,
        limit: int,
        max_bytes: int,
        for_others: bool = False,
    ) -> EventRange | None:
        """Read a stretch of a stream as a user may see it: their own private stream, or a conversation in which
        they have a period. Events come with reactions, and with the messages that they are about where the user
        sees these too; what they deleted for themselves is left out.

        Args:
            after: Read upwards from this seq (exclusive); with ``before`` given too, up to that (exclusive).
            before: With ``after`` None: read the newest ones below this seq (exclusive; above ``last_seq`` means
                the newest of all).
            limit: At most so many events.
            max_bytes: Stop before the contents together exceed this, but return at least one event.
            for_others: Also what they deleted for themselves, to be handed on to other members.

        Returns:
            None where the stream does not exist or the reader may see none of it.
        """

    async def seq_at(self, stream_id: int, at_ms: int) -> int:
        """The seq of the first event at or after a time; one above the last where there is none, 1 without a stream."""

    async def changed(
        self, user_id: int, positions: Mapping[int, int], cursor: tuple[int, int] | None, limit: int
    ) -> tuple[list[StreamState], tuple[int, int] | None]:
        """Those streams of a user whose ``last_seq`` differs from the position given (0 where none is given).

        The private stream first (on the first page), then conversations, newest activity first. Streams without
        an event are left out.

        Returns:
            One page, and the cursor (last_ms, stream_id) of the next, None at the end.
        """

    async def hosted(self, user_id: int) -> list[HostedStream]:
        """All streams of which a user hears: their private one and the conversations in which they are now.

        Those without an event are told too. Costs one query, as much as the user has conversations.
        """


class ConversationStore(Protocol):
    """Conversations and their members."""

    async def open_direct(
        self,
        user_id: int,
        peer_id: int,
        conversation_id: int,
        announcements: Sequence[Draft],
        now_ms: int,
        may_write: MayWrite | None = None,
    ) -> Opened | None:
        """The direct conversation of two users, created with ``conversation_id`` where there is none.

        ``announcements`` (drafts for private streams) are appended in the transaction that creates it. Where
        ``may_write`` refuses the two, one that exists is found all the same, and none is created.

        Returns:
            None if the peer does not exist.

        Raises:
            IMError: of the code with which ``may_write`` refused.
        """

    async def membership(self, conversation_id: int) -> Membership | None:
        """Who is in a conversation now; None if it does not exist."""


class Health(Protocol):
    """Whether a dependency answers."""

    async def ping(self) -> None:
        """Return if it answers.

        Raises:
            Unavailable: with a message for the operator.
        """


# --- what may be lost (Redis or memory)


class Purpose(StrEnum):
    """What a verification code is for; a code for one purpose is no good for another."""

    REGISTRATION = "registration"
    PASSWORD_RESET = "password_reset"  # noqa: S105


class CodeStore(Protocol):
    """Verification codes, under purpose and normalised address."""

    async def put(self, purpose: Purpose, address_key: str, code: str, ttl_ms: int) -> None:
        """Store a code with its time to live; an older one is void from now on."""

    async def take(self, purpose: Purpose, address_key: str, code: str, max_tries: int) -> bool:
        """Compare in constant time and, if equal, use the code up, atomically.

        A wrong try is counted; the code is void after ``max_tries`` of them.
        """

    async def discard(self, purpose: Purpose, address_key: str) -> None:
        """Forget a code (its mail could not be sent)."""


class RateLimiter(Protocol):
    """Counts events per key."""

    async def take(self, key: str, limit: Limit) -> int:
        """Count one event if the limit allows it.

        Returns:
            0 if it does; else how long to wait, in ms.
        """

    async def give_back(self, key: str, limit: Limit) -> None:
        """Uncount one event (what it stood for did not happen)."""


class NodeCopy(Protocol):
    """A copy of what chat nodes reported, for a status server that starts. Losing it costs the time to a report."""

    async def write(self, reports: Sequence[NodeReport], lifetime_ms: int) -> None:
        """Keep reports for so long, each in place of the older one of its node. Those of other nodes stay.

        Raises:
            Unavailable: they were perhaps not kept.
        """

    async def read(self) -> list[NodeReport]:
        """The report of each node that has one, in any order.

        Raises:
            Unavailable: the copy cannot be read.
        """


# --- between servers


@dataclass(frozen=True, slots=True)
class EventsAppended:
    """Events were committed to a stream by another part: push them to the members that are here."""

    stream_id: int
    member_version: int
    events: tuple[Event, ...]


@dataclass(frozen=True, slots=True)
class SessionsClosed:
    """Connections of these devices (all where None) must end with the error ``code``.

    ``below_generation`` spares connections of that generation and above.
    """

    user_id: int
    device_ids: tuple[str, ...] | None
    code: str
    below_generation: int | None = None


@dataclass(frozen=True, slots=True)
class PersonChanged:
    """On ``person:ID``: the profile of a person, or their presence, is another now. Whoever watches them asks anew."""

    user_id: int
    profile: bool
    presence: bool


@dataclass(frozen=True, slots=True)
class ReceiptMoved:
    """A member has received and read up to these; to be told to ``for_ids`` alone. Lost without harm."""

    conversation_id: int
    user_id: int
    delivered_seq: int
    read_seq: int
    for_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TypingSeen:
    """A member is typing; to be told to ``for_ids`` alone. Lost without harm."""

    conversation_id: int
    user_id: int
    for_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class RelationsChanged:
    """On ``user:ID``: whom this user may watch is to be looked at anew."""

    user_id: int


Notice = EventsAppended | SessionsClosed | PersonChanged | ReceiptMoved | TypingSeen | RelationsChanged


class Publisher(Protocol):
    """The sending half of the bus, for those who host no connections."""

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        """Send notices to channels (``user:ID``, ``conversation:ID``, ``person:ID``); one's own are not echoed."""


class Bus(Publisher, Protocol):
    """Rings the bell on other nodes. Losing a notice costs a delay, never a message."""

    @property
    def suspect(self) -> bool:
        """Whether notices may be missed at the moment, so that one has to look for oneself every few seconds."""

    async def subscribe(self, channels: Sequence[str]) -> None:
        """Return when the subscriptions are known to hold.

        Where the bus is away it returns nevertheless, with :attr:`suspect` set; they are made when it is back.
        """

    async def unsubscribe(self, channels: Sequence[str]) -> None:
        """Stop hearing these channels."""

    def listen(self, receive: Callable[[str, Notice], None]) -> None:
        """Set the one function that gets this node's notices as (channel, notice)."""

    def watch(self, suspected: Callable[[str], None]) -> None:
        """Set the one function that is told at once, with the reason, whenever notices may have been missed."""


class StatusPort(Protocol):
    """The status server, as gate and chat see it."""

    async def report(self, report: NodeReport) -> None:
        """A chat node says that it lives and how loaded it is."""

    async def open_session(self, user_id: int, name: str, device: Device, token: bytes) -> Login:
        """Open a session and pick a node.

        Args:
            user_id: Whose.
            name: The user's name.
            device: On which device.
            token: 32 random bytes, new for each login. With the same ones the call may come again, also late: a server
                that was given up for another may still carry it out, and must not end the session that stands by then.

        Raises:
            Unavailable: no chat node is up; no session was opened.
        """

    async def authenticate(self, token: str) -> Session:
        """The session of a token.

        Raises:
            Unauthenticated: it is wrong, expired or ended.
        """

    async def route(self, token: str) -> tuple[Session, Route, int]:
        """Session, chat nodes and expiry (ms UTC) for a valid token.

        Raises:
            Unauthenticated: as in :meth:`authenticate`.
            Unavailable: no chat node is up.
        """

    async def end_session(self, token: str) -> None:
        """Log out. A token that is not valid (any more) is no error."""

    async def end_all_sessions(self, user_id: int, reason: str) -> None:
        """End every session of a user, immediately on all nodes."""

    async def end_other_sessions(self, user_id: int, device_id: str, reason: str) -> None:
        """End every session of a user but that of one device, immediately on all nodes."""


class MailKind(StrEnum):
    """Which mail an address gets when a code is asked for."""

    CODE = "code"
    ALREADY_REGISTERED = "already_registered"
    NO_ACCOUNT = "no_account"


class VerifyPort(Protocol):
    """The verify server, as gate sees it."""

    async def send_code(self, purpose: Purpose, address: str, kind: MailKind, language: str) -> int:
        """Mail a code (or, by ``kind``, the reason why there is none) to an address.

        Args:
            address: A validated e-mail address.
            language: The client's ``Accept-Language`` header; Chinese and English are spoken.

        Returns:
            For how long a code is valid, in ms, whichever ``kind``.

        Raises:
            RateLimited: one mail per address and minute, and a daily cap.
            Unavailable: the mail server did not take the mail.
        """

    async def check_code(self, purpose: Purpose, address: str, code: str) -> None:
        """Use a code up.

        Raises:
            CodeInvalid: wrong, used, void or expired.
        """


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail in two forms. ``text`` and ``html`` say the same."""

    to: str
    subject: str
    text: str
    html: str
    language: str


class Mailer(Protocol):
    """Hands mails to a mail server or to the outbox."""

    async def send(self, mail: Mail) -> None:
        """Return when the mail was taken over.

        Raises:
            Unavailable: it was not, within the time-out; nothing is queued.
        """


class PasswordHasher(Protocol):
    """argon2id in a thread pool of its own with a bounded queue."""

    async def hash(self, password: str) -> str:
        """Hash a password.

        Raises:
            Unavailable: the queue is full.
        """

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare; with None (no such account) the same work is done against a fixed hash and the answer is False.

        Raises:
            Unavailable: the queue is full.
        """

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""


Spawn = Callable[[str, Awaitable[object]], None]
"""Starts an awaitable that nobody waits for; its failure is logged under the name given."""


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


# --- people


class PresenceStore(Protocol):
    """Which devices are there now, of all nodes. May be lost: everybody is offline then until nodes have put anew."""

    async def put(self, entries: Sequence[PresenceEntry], lifetime_ms: int) -> None:
        """Keep entries for so long, each in place of the older one of its user, node and device.

        Raises:
            Unavailable: some of them were perhaps not kept.
        """

    async def drop(self, entries: Sequence[PresenceEntry]) -> None:
        """Forget the entries of these users, nodes and devices.

        Raises:
            Unavailable: some of them are perhaps kept still.
        """

    async def get(self, user_ids: Sequence[int]) -> dict[int, tuple[PresenceEntry, ...]]:
        """The entries of those users who have any.

        Raises:
            Unavailable: they cannot be read.
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


# --- conversations as each user sees them


class OwnStateStore(Protocol):
    """What a user sees and decides of the conversations in which they are now."""

    async def conversations(
        self, user_id: int, selection: Selection, cursor: tuple[int, int] | None, limit: int
    ) -> tuple[list[Conversation], tuple[int, int] | None]:
        """One page of a user's conversations, newest first, and the cursor (last_ms, id) of the next, None at the end.

        Those without an event are left out unless they are pinned or asked for by id. Costs the same few statements
        whatever their number and the length of their histories.
        """

    async def set_state(
        self, user_id: int, conversation_id: int, change: StateChange, announce: Announce, now_ms: int
    ) -> tuple[Event, ...] | None:
        """Change a user's state of a conversation and tell it in the private stream, in one transaction.

        Returns:
            The events: none where nothing changes. None if the user is not in the conversation.
        """

    async def delete(
        self, user_id: int, conversation_id: int, seqs: Sequence[int], through_seq: int, announce: Announce
    ) -> tuple[Event, ...] | None:
        """Delete messages for a user alone, these or (if not 0) all up to ``through_seq``, and tell it once.

        Returns:
            As of :meth:`set_state`.

        Raises:
            InvalidRequest: one of them is above the end of the conversation.
        """


@dataclass(frozen=True, slots=True)
class Marked:
    """What became of marks.

    Attributes:
        refusals: One for each mark, in order: the code of the error, or None.
        moved: Where the members are now who moved on.
        events: What was appended to private streams.
    """

    refusals: Sequence[str | None]
    moved: Sequence[Receipt]
    events: Sequence[Event] = ()


class PositionStore(Protocol):
    """How far members have received and read. Positions only move forwards."""

    async def mark_read(self, marks: Sequence[Mark], announce: Announce) -> Marked:
        """Raise read positions and tell each that moved in its user's private stream, all in one transaction.

        A mark is refused with ``not_found`` where the user is not in the conversation, with ``invalid_request`` where
        it is above its end, with ``unavailable`` where another keeps the private stream locked.
        """

    async def mark_delivered(self, marks: Sequence[Mark]) -> Marked:
        """Raise delivered positions in one transaction; refused as in :meth:`mark_read`."""

    async def receipts(self, user_id: int, conversation_id: int) -> list[Receipt] | None:
        """Where the other members of a conversation are, as far as the user may know; None if they are not in it."""

    async def takers(self, conversation_ids: Sequence[int]) -> Mapping[int, frozenset[int]]:
        """The members who send receipts, and so are told of others'; of too large conversations none."""


class RetentionStore(Protocol):
    """Content that is kept for a limited time."""

    async def take(self, job: str, now_ms: int, next_ms: int) -> bool:
        """Whether the caller is the one who does a job that is due; it is due again at ``next_ms``."""

    async def expire(self, kind: int, before_ms: int, from_id: int) -> int | None:
        """Empty the content of some messages of one kind that are older than ``before_ms``; their rows stay.

        Args:
            kind: Which.
            before_ms: All that came before this time.
            from_id: The first conversation to look at.

        Returns:
            Where to go on; None when nothing is left to be done.
        """
