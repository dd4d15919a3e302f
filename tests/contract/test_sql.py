"""The contracts of all SQL stores, on every way to run them that is here."""

import sqlite3
from pathlib import Path

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from imchat.store.sql.sqlite_dialect import SqliteDialect
from imchat.store.sqlite import migrate, open_database
from tests.contract import mariadb
from tests.contract.accounts import AccountStoreContract, InvitationStoreContract
from tests.contract.acts import ActsContract, HiddenContract, PositionsContract
from tests.contract.contacts import ContactStoreContract
from tests.contract.conversations import ConversationStoreContract
from tests.contract.health import StoresHealthContract
from tests.contract.own_states import (
    ConversationListContract,
    OwnStateContract,
    PositionStoreContract,
    SeqAtContract,
)
from tests.contract.people import DeletionContract, ProfileContract, SearchContract, SessionListContract
from tests.contract.reading import ChangedContract, HostedContract, ReadContract
from tests.contract.relations import RelationsContract, SeenContract
from tests.contract.retention import RetentionContract
from tests.contract.sessions import SessionStoreContract
from tests.contract.streams import StreamStoreContract
from tests.fakes.stores import MemoryDatabase

CONTRACTS = (
    AccountStoreContract,
    InvitationStoreContract,
    SessionStoreContract,
    StreamStoreContract,
    ActsContract,
    PositionsContract,
    HiddenContract,
    ReadContract,
    ChangedContract,
    HostedContract,
    ConversationStoreContract,
    RelationsContract,
    SeenContract,
    ConversationListContract,
    OwnStateContract,
    PositionStoreContract,
    SeqAtContract,
    RetentionContract,
    ContactStoreContract,
    StoresHealthContract,
    ProfileContract,
    SearchContract,
    DeletionContract,
    SessionListContract,
)


class OnSqlite:
    """The embedded server's database: a file, and adbapi's threads."""

    refused_by_driver = (sqlite3.IntegrityError,)

    async def make_stores(self, lifetime_ms):
        directory = Path(self.mktemp())
        directory.mkdir()
        migrate(directory / "imchat.db")
        stores = open_database(directory / "imchat.db", reactor, self.now_ms, lifetime_ms)
        self.addCleanup(stores.close)
        return stores


class OnMariaDB:
    """The cluster's database: a server, and three pools of adbapi's."""

    refused_by_driver = ()

    async def make_stores(self, lifetime_ms):
        settings = mariadb.shared_database()
        mariadb.empty(settings)
        dialect = mariadb.ClockedDialect(self.now_ms)
        return mariadb.opened(self, settings, dialect=dialect, lifetime_ms=lifetime_ms)


class WithoutThreads:
    """What tests of other parts use."""

    refused_by_driver = (sqlite3.IntegrityError,)

    def dialect(self):
        return SqliteDialect(self.now_ms)

    async def make_stores(self, lifetime_ms):
        stores = MemoryDatabase(self.clock, lifetime_ms, dialect=self.dialect())
        self.addCleanup(stores.close)
        return stores


class LiteralDialect(SqliteDialect):
    """Writes rows as databases behind a network do: many of them in one statement of literals."""

    max_statement = 100_000

    def store(self, tx, heads, rows, effects, last):
        for statement in self.statements(heads, rows, effects, self.max_statement):
            tx.run(statement)


class WithLiterals(WithoutThreads):
    def dialect(self):
        return LiteralDialect(self.now_ms)


for backend in (OnSqlite, OnMariaDB, WithoutThreads, WithLiterals):
    for contract in CONTRACTS:
        name = f"{contract.__name__.removesuffix('Contract')}{backend.__name__}Tests"
        globals()[name] = type(name, (backend, contract, TestCase), {"__module__": __name__})
