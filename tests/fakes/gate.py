"""What stands around the gate: accounts, invitations, status, verify and a hasher that counts."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imchat.domain.accounts import RegistrationMode, email_key
from imchat.domain.errors import CodeInvalid, EmailTaken, InvitationInvalid, NameTaken, Unauthenticated, Unavailable
from imchat.domain.models import Device, Invitation, Login, NodeAddress, NodeReport, Route, Session, User, UserCard
from imchat.domain.sessions import token_text
from imchat.gate.logic import Gate, GatePolicy, Operators
from imchat.ports import Limit, MailKind, Purpose
from imchat.store.memory import MemoryRateLimiter
from tests.fakes.ids import SeededIds

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
class AccountsInMemory:
    """An AccountStore and InvitationStore for tests of the gate alone."""

    users: dict[int, User] = field(default_factory=dict)
    keys: dict[str, int] = field(default_factory=dict)
    invitations: dict[str, Invitation] = field(default_factory=dict)
    down: bool = False

    def _check(self) -> None:
        if self.down:
            raise Unavailable("the database is away", 1_000)

    async def create(self, user: User, name_key: str, email_key: str, invitation: str | None, now_ms: int) -> None:
        self._check()
        if name_key in self.keys:
            raise NameTaken("taken")
        if email_key in self.keys:
            raise EmailTaken("taken")
        if invitation is not None:
            if not await self.usable(invitation, now_ms):
                raise InvitationInvalid("used up")
            kept = self.invitations[invitation]
            self.invitations[invitation] = replace(kept, uses_left=kept.uses_left - 1)
        self.users[user.id] = user
        self.keys[name_key] = self.keys[email_key] = user.id

    async def by_login(self, key: str) -> User | None:
        self._check()
        return self.users.get(self.keys.get(key, 0))

    by_email = by_login
    by_name = by_login

    async def cards(self, user_ids, name_keys) -> list[UserCard]:
        ids = {*user_ids, *(self.keys[key] for key in name_keys if key in self.keys)}
        return [UserCard(i, self.users[i].name) for i in sorted(ids) if i in self.users]

    async def set_password(self, user_id: int, password_hash: str, expected_hash: str | None = None) -> bool:
        self._check()
        user = self.users.get(user_id)
        if user is None or (expected_hash is not None and user.password_hash != expected_hash):
            return False
        self.users[user_id] = replace(user, password_hash=password_hash)
        return True

    async def add(self, invitation: Invitation, now_ms: int) -> None:
        self._check()
        self.invitations[invitation.code] = invitation

    async def usable(self, code: str, now_ms: int) -> bool:
        self._check()
        kept = self.invitations.get(code)
        return kept is not None and kept.uses_left > 0 and kept.expires_ms > now_ms

    async def ping(self) -> None:
        self._check()


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

    async def open_session(self, user_id: int, name: str, device: Device) -> Login:
        if callable(self.before_open):
            await self.before_open()
        self._check()
        token = token_text(self.ids.token())
        for old in [t for t, s in self.sessions.items() if (s.user_id, s.device.device_id) == (user_id, device)]:
            del self.sessions[old]
        self.sessions[token] = Session(user_id, name, device, 0, self._now(), self._now())
        return Login(user_id, name, token, self._now() + SESSION_MS, Route((NODE,)))

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
    """A PasswordHasher that hashes by putting ``version:`` in front, and counts. ``gate`` holds its work back."""

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
        self.accounts = AccountsInMemory()
        self.status = FakeStatus(self.clock)
        self.verify = FakeVerify()
        self.hasher = CountingHasher()
        self.limiter = MemoryRateLimiter(self.now_ms)
        self.ids = SeededIds()
        self.gate = Gate(
            accounts=self.accounts,
            invitations=self.accounts,
            status=self.status,
            verify=self.verify,
            limiter=self.limiter,
            hasher=self.hasher,
            ids=self.ids,
            now_ms=self.now_ms,
            policy=replace(POLICY, **changes),
        )
        self.operators = Operators(
            accounts=self.accounts,
            invitations=self.accounts,
            hasher=self.hasher,
            ids=self.ids,
            now_ms=self.now_ms,
        )

    def now_ms(self) -> int:
        return int(self.clock.seconds() * 1000)
