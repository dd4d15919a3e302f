"""All stores of one database."""

from __future__ import annotations

from imchat.ports import (
    AccountStore,
    ContactStore,
    ConversationStore,
    Health,
    InvitationStore,
    OwnStateStore,
    PeopleStore,
    PositionStore,
    RetentionStore,
    SeenStore,
    SessionStore,
    StreamStore,
)
from imchat.store.sql.accounts import SqlAccounts, SqlInvitations
from imchat.store.sql.contacts import SqlContacts
from imchat.store.sql.conversations import SqlConversations
from imchat.store.sql.own_states import SqlOwnStates
from imchat.store.sql.people import SqlPeople
from imchat.store.sql.positions import SqlPositions
from imchat.store.sql.retention import SqlRetention
from imchat.store.sql.runner import Runner
from imchat.store.sql.seen import SqlSeen
from imchat.store.sql.sessions import SqlSessions
from imchat.store.sql.streams import SqlStreams
from imchat.store.sql.transaction import Transaction


class SqlHealth:
    """The :class:`imchat.ports.Health` of an SQL database.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
    """

    def __init__(self, writer: Runner, reader: Runner) -> None:
        self._writer = writer
        self._reader = reader

    async def ping(self) -> None:
        """Return if the database answers; after a failed write, if it can be written again."""
        await self._reader.run("ping", self._look)
        await self._writer.run("ping", self._look if self._writer.outage.reason is None else self._write)

    @staticmethod
    def _look(tx: Transaction) -> None:
        tx.one("SELECT serves_from FROM schema_revision")

    @staticmethod
    def _write(tx: Transaction) -> None:
        tx.execute("UPDATE schema_revision SET serves_from = serves_from")


class Database:
    """All stores of one database.

    Args:
        writer: Runs transactions that write.
        reader: Runs those that only read.
        session_lifetime_ms: A session that was not used for longer counts as ended.
        flusher: Runs the transactions that append batches of messages; the writer where None.
    """

    def __init__(self, writer: Runner, reader: Runner, session_lifetime_ms: int, flusher: Runner | None = None) -> None:
        self.accounts: AccountStore = SqlAccounts(writer, reader)
        self.invitations: InvitationStore = SqlInvitations(writer, reader)
        self.sessions: SessionStore = SqlSessions(writer, reader, session_lifetime_ms)
        self.streams: StreamStore = SqlStreams(flusher or writer, reader)
        self.conversations: ConversationStore = SqlConversations(writer, reader)
        self.contacts: ContactStore = SqlContacts(writer, reader)
        self.people: PeopleStore = SqlPeople(writer, reader)
        self.seen: SeenStore = SqlSeen(writer, reader)
        self.own_states: OwnStateStore = SqlOwnStates(writer, reader)
        self.positions: PositionStore = SqlPositions(writer, reader)
        self.retention: RetentionStore = SqlRetention(writer)
        self.writer = writer
        self.reader = reader
        self.flusher = flusher or writer
        self.health: Health = SqlHealth(writer, reader)

    @property
    def runners(self) -> dict[str, Runner]:
        """The runners by what they are for; one that does two things stands under the first alone."""
        named = {"reader": self.reader, "writer": self.writer, "flusher": self.flusher}
        if self.flusher is self.writer:
            del named["flusher"]
        return named

    async def close(self) -> None:
        """Wait for what runs, then close the connections; what is asked afterwards is ``Unavailable``."""
        for runner in (self.reader, self.writer, self.flusher):
            await runner.close()
