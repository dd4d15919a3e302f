"""What the logic sees of a connection, and what it knows of one whose session is known."""

from __future__ import annotations

from enum import Enum
from typing import Protocol

from imchat.domain.errors import IMError
from imchat.domain.models import Event, Session
from imchat.domain.rates import unspent


class Hold(Enum):
    """Why a connection is not read from."""

    HELLO = "its session is being looked up"
    OUTSTANDING = "too many of its requests are unanswered"
    OUTPUT = "it does not take the answers"
    PENDING = "too many messages wait for the database"
    RATE = "it sends faster than it may even be refused"
    DRAINING = "the node is going away"


class Connection(Protocol):
    """A connection, as the logic speaks to it. No method raises, and none calls the logic before it returns."""

    def accepted(self, tag: int, event: Event, resent: bool) -> None:
        """The message sent under ``tag`` is durable."""

    def refused(self, tag: int, error: IMError) -> None:
        """The message sent under ``tag`` was not taken."""

    def push(self, stream_id: int, seq: int, data: bytes) -> None:
        """An event of a stream; ``data`` is its encoded form, the same for every connection.

        A connection that reads slowly is told that the stream is at ``seq``, once it reads again.
        """

    def behind(self, stream_id: int, last_seq: int) -> None:
        """A stream goes up to a seq, and not all of it was pushed here: the client reads what it lacks."""

    def tell(self, data: bytes) -> bool:
        """Something that is worth nothing later, encoded; left out for a connection that reads slowly.

        Returns:
            Whether it was sent.
        """

    def goodbye(self, error: IMError) -> None:
        """The session is over for this connection: tell why and close."""

    def move(self, after_ms: int) -> None:
        """Tell the client to go to another node, after so many ms, and close."""

    def hold(self, reason: Hold) -> None:
        """Stop reading."""

    def release(self, reason: Hold) -> None:
        """Read again, later in this turn, unless another reason holds."""

    def abort(self) -> None:
        """Close without waiting."""


class Account:
    """What the connections of a user on this node share.

    Attributes:
        connections: How many there are.
        spent: What they have used of the limits of an account.
    """

    __slots__ = ("connections", "spent")

    def __init__(self) -> None:
        self.connections = 0
        self.spent = unspent()


class Block:
    """A conversation in which a message failed for a passing reason.

    Whatever else its connection sends there is refused alike, until ``client_id`` comes again.

    Args:
        client_id: The message.
        arrival: Its place among all that came over the connection.
        error: Why it failed.
        settled: Its sender was told so. Until then it may still be found stored, and the block goes over to the first
            of those that were refused for it.

    Attributes:
        refused: Those that were refused for it while it was not settled: id and place.
    """

    __slots__ = ("arrival", "client_id", "error", "refused", "settled")

    def __init__(self, client_id: bytes, arrival: int, error: IMError, settled: bool) -> None:
        self.client_id = client_id
        self.arrival = arrival
        self.error = error
        self.settled = settled
        self.refused: list[tuple[bytes, int]] = []


class Live:
    """A connection with a session.

    Args:
        connection: Where answers and pushes go.
        session: As ``Hello`` found it.
        account: What it shares with the user's other connections here.

    Attributes:
        arrivals: Messages that came so far; the place of the newest.
        blocks: By conversation, what keeps its order (:class:`Block`).
        noted_ms: When the database was last told that the session is in use.
        spent: What it has used of the limits of a connection.
        typed: By conversation, when others were last told that the user is typing there.
    """

    __slots__ = (
        "account", "arrivals", "blocks", "connection", "device_id", "generation", "name", "noted_ms", "platform",
        "spent", "typed", "user_id",
    )  # fmt: skip

    def __init__(self, connection: Connection, session: Session, account: Account) -> None:
        self.connection = connection
        self.user_id = session.user_id
        self.name = session.name
        self.device_id = session.device.device_id
        self.platform = session.device.platform
        self.generation = session.generation
        self.noted_ms = session.last_used_ms
        self.account = account
        self.spent = unspent()
        self.arrivals = 0
        self.blocks: dict[int, Block] = {}
        self.typed: dict[int, int] = {}
