"""What the contracts of all SQL stores have in common: making them, and the people and drafts of the tests."""

from hashlib import sha256

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imchat.domain.content import digest
from imchat.domain.models import Device, Draft, Stored, User
from imchat.ports import Permit
from imchat.store.sql.database import Database

ANN, BOB, CAT = 1001, 1002, 1003
TALK = 5001
START_MS = 1_800_000_000_000
LIFETIME_MS = 30 * 24 * 3_600_000
TEXT, ADDED, ENDED = 1, 64, 65


def allow(draft, membership):
    return None


def cid(number) -> bytes:
    """A client id from anything."""
    return sha256(str(number).encode()).digest()[:16]


def draft(stream_id, sender_id, number, content=b"hello", kind=TEXT, **more) -> Draft:
    return Draft(stream_id, sender_id, cid(number), kind, content, digest(kind, content), **more)


def device(device_id="phone") -> Device:
    return Device(device_id, f"my {device_id}", "test")


def token(number) -> bytes:
    return sha256(f"token {number}".encode()).digest()


class StoreContract:
    """Mixed with ``twisted.trial.unittest.TestCase`` and a backend that has ``make_stores``."""

    stores: Database
    clock: Clock

    async def make_stores(self, lifetime_ms: int) -> Database:
        """Empty stores whose database takes its time from ``self.now_ms``; closing them is the backend's."""
        raise NotImplementedError

    async def setUp(self):
        self.clock = Clock()
        self.clock.advance(START_MS / 1000)
        self.stores = await self.make_stores(LIFETIME_MS)

    def now_ms(self) -> int:
        return round(self.clock.seconds() * 1000)

    def elapse(self, ms: int) -> None:
        self.clock.advance(ms / 1000)

    def fails(self, coroutine, *errors):
        return self.assertFailure(Deferred.fromCoroutine(coroutine), *errors)

    async def sql(self, statement, *parameters):
        """Arrange what no port can do yet."""
        await self.stores.writer.run("arrange", lambda tx: tx.execute(statement, parameters))

    async def rows(self, query, *parameters):
        return await self.stores.writer.run("look", lambda tx: tx.query(query, parameters))

    def user(self, user_id=ANN, name="ann", email=None) -> User:
        return User(user_id, name.title(), email or f"{name}@example.org", f"hash of {name}", self.now_ms())

    async def add_user(self, user_id=ANN, name="ann", invitation=None, email=None, keys=None):
        user = self.user(user_id, name, email)
        name_key, email_key = keys or (name, user.email)
        await self.stores.accounts.create(user, name_key, email_key, invitation, self.now_ms())
        return user

    async def add_people(self):
        for user_id, name in ((ANN, "ann"), (BOB, "bob"), (CAT, "cat")):
            await self.add_user(user_id, name)

    async def open_direct(self, user_id=ANN, peer_id=BOB, conversation_id=TALK, drafts=()):
        return await self.stores.conversations.open_direct(user_id, peer_id, conversation_id, drafts, self.now_ms())

    async def flush(self, *drafts, permit: Permit = allow):
        return (await self.stores.streams.flush(drafts, permit)).outcomes

    async def seqs(self, *drafts):
        """Flush what must be stored, and return (seq, resent) of each."""
        outcomes = await self.flush(*drafts)
        for outcome in outcomes:
            self.assertIsInstance(outcome, Stored)
        return [(outcome.event.seq, outcome.resent) for outcome in outcomes]

    async def head(self, stream_id=TALK):
        return (await self.stores.streams.heads([stream_id]))[stream_id]

    async def read(self, stream_id=TALK, reader_id=ANN, after=None, before=None, limit=100, max_bytes=1_000_000):
        return await self.stores.streams.read(
            stream_id, reader_id, after=after, before=before, limit=limit, max_bytes=max_bytes
        )
