"""What stands around the gate: status, verify and a hasher that counts; accounts are the real SQL stores."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imchat.domain.accounts import RegistrationMode, email_key, name_key
from imchat.domain.errors import CodeInvalid, Unauthenticated, Unavailable
from imchat.domain.models import Device, Login, NodeAddress, NodeReport, Route, Session, User
from imchat.domain.sessions import token_text
from imchat.gate.logic import Gate, GatePolicy, Operators
from imchat.net.content import WireContentCodec
from imchat.ports import Limit, MailKind, Purpose
from imchat.store.memory import MemoryRateLimiter
from tests.fakes.ids import SeededIds
from tests.fakes.stores import MemoryDatabase

POLICY = GatePolicy(
    registration=RegistrationMode.OPEN,
    mail_interval_ms=60_000,
    codes_per_peer=Limit(20, 3_600_000),
    registrations_per_peer=Limit(20, 3_600_000),
    logins_per_peer=Limit(60, 60_000),
    logins_per_account=Limit(10, 300_000),
)

DEVICE = Device("device-1", "Test", "linux")
NODE = NodeAddress("chat.example.org", 8090, True)
SESSION_MS = 86_400_000


@dataclass
class FakeHealth:
    """A dependency that answers, fails with ``error``, or hangs until ``answer`` is called back."""

    error: Exception | None = None
    answer: Deferred[None] | None = None
    pings: int = 0

    async def ping(self) -> None:
        self.pings += 1
        if self.answer is not None:
            await self.answer
        if self.error is not None:
            raise self.error


@dataclass
class FakeStatus:
    """A StatusPort that keeps sessions in a dictionary; ``before_open`` runs when a session is being opened."""

    clock: Clock
    ids: SeededIds = field(default_factory=lambda: SeededIds(2))
    sessions: dict[str, Session] = field(default_factory=dict)
    ended: list[tuple[int, str]] = field(default_factory=list)
    down: bool = False
    before_open: object = None

    def _now(self) -> int:
        return int(self.clock.seconds() * 1000)

    def _check(self) -> None:
        if self.down:
            raise Unavailable("no chat node is up", 3_000)

    async def report(self, report: NodeReport) -> None:
        raise AssertionError("the gate reports nothing")

    async def open_session(self, user_id: int, name: str, device: Device, token: bytes) -> Login:
        if callable(self.before_open):
            await self.before_open()
        self._check()
        text = token_text(token)
        for old in [t for t, s in self.sessions.items() if (s.user_id, s.device.device_id) == (user_id, device)]:
            del self.sessions[old]
        self.sessions[text] = Session(user_id, name, device, 0, self._now(), self._now())
        return Login(user_id, name, text, self._now() + SESSION_MS, Route((NODE,)))

    async def authenticate(self, token: str) -> Session:
        self._check()
        if token not in self.sessions:
            raise Unauthenticated("the session has ended")
        return self.sessions[token]

    async def route(self, token: str) -> tuple[Session, Route, int]:
        return await self.authenticate(token), Route((NODE,)), self._now() + SESSION_MS

    async def end_session(self, token: str) -> None:
        self.sessions.pop(token, None)

    async def end_all_sessions(self, user_id: int, reason: str) -> None:
        self._check()
        self.sessions = {t: s for t, s in self.sessions.items() if s.user_id != user_id}
        self.ended.append((user_id, reason))

    async def end_other_sessions(self, user_id: int, device_id: str, reason: str) -> None:
        self._check()
        kept = {t: s for t, s in self.sessions.items() if s.user_id != user_id or s.device.device_id == device_id}
        self.sessions = kept
        self.ended.append((user_id, reason))


@dataclass
class FakeVerify:
    """A VerifyPort whose code is always ``246810``; it notes what it mailed."""

    CODE = "246810"
    LIFETIME_MS = 300_000

    mails: list[tuple[Purpose, str, MailKind, str]] = field(default_factory=list)
    codes: dict[tuple[Purpose, str], str] = field(default_factory=dict)
    checked: int = 0
    error: Exception | None = None

    async def send_code(self, purpose: Purpose, address: str, kind: MailKind, language: str) -> int:
        if self.error:
            raise self.error
        self.mails.append((purpose, address, kind, language))
        if kind is MailKind.CODE:
            self.codes[purpose, email_key(address)] = self.CODE
        return self.LIFETIME_MS

    async def check_code(self, purpose: Purpose, address: str, code: str) -> None:
        if self.error:
            raise self.error
        self.checked += 1
        if self.codes.get((purpose, email_key(address))) != code:
            raise CodeInvalid("the code is wrong or expired")
        del self.codes[purpose, email_key(address)]


@dataclass
class CountingHasher:
    """A PasswordHasher that hashes by putting ``version:`` in front, and counts; ``hold`` holds its work back."""

    version: str = "v2"
    hashed: int = 0
    verified: int = 0
    full: bool = False
    hold: Deferred[None] | None = None

    async def hash(self, password: str) -> str:
        self._check()
        self.hashed += 1
        return f"{self.version}:{password}"

    async def verify(self, password_hash: str | None, password: str) -> bool:
        self._check()
        if self.hold is not None:
            await self.hold
        self.verified += 1
        return password_hash is not None and password_hash.partition(":")[2] == password

    def outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith(f"{self.version}:")

    @property
    def work(self) -> int:
        return self.hashed + self.verified

    def _check(self) -> None:
        if self.full:
            raise Unavailable("the server is busy with other logins", 1_000)


class GateWorld:
    """A gate with all that it needs, and a clock that starts at some time of day."""

    PEER = "192.0.2.1"

    def __init__(self, **changes: object) -> None:
        self.clock = Clock()
        self.clock.advance(1_700_000_000)
        self.database = MemoryDatabase(self.clock)
        self.accounts = self.database.accounts
        self.invitations = self.database.invitations
        self.status = FakeStatus(self.clock)
        self.verify = FakeVerify()
        self.hasher = CountingHasher()
        self.limiter = MemoryRateLimiter(self.now_ms)
        self.ids = SeededIds()
        self.gate = Gate(
            accounts=self.accounts,
            invitations=self.invitations,
            status=self.status,
            verify=self.verify,
            limiter=self.limiter,
            hasher=self.hasher,
            ids=self.ids,
            now_ms=self.now_ms,
            policy=replace(POLICY, **changes),
            codec=WireContentCodec(),
        )
        self.operators = Operators(
            accounts=self.accounts,
            invitations=self.invitations,
            hasher=self.hasher,
            ids=self.ids,
            now_ms=self.now_ms,
        )

    def now_ms(self) -> int:
        return int(self.clock.seconds() * 1000)

    async def user(self, name: str = "Alice") -> User:
        """The stored account of a name."""
        user = await self.accounts.by_name(name_key(name))
        assert user is not None
        return user
