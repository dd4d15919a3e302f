"""Registration, password reset, login, routes and logout."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger

from imchat.domain import accounts as rules
from imchat.domain.accounts import RegistrationMode
from imchat.domain.announcing import Announcer
from imchat.domain.content import ContentCodec
from imchat.domain.errors import (
    BadCredentials,
    CodeInvalid,
    InvitationInvalid,
    NameTaken,
    RegistrationClosed,
    Unavailable,
)
from imchat.domain.models import Device, Login, Route, Session, User, UserCard
from imchat.gate.logic.own_account import OwnAccount
from imchat.gate.logic.policy import GatePolicy
from imchat.gate.logic.throttle import LoginThrottle, take_or_refuse
from imchat.ports import (
    AccountStore,
    Ids,
    InvitationStore,
    MailKind,
    PasswordHasher,
    Purpose,
    RateLimiter,
    StatusPort,
    VerifyPort,
)

_log = Logger()


@dataclass(frozen=True, slots=True)
class CodeSent:
    """Answer to a request for a code, in ms: how long it is valid, and when another may be asked for."""

    expires_in_ms: int
    retry_after_ms: int


@dataclass(frozen=True, slots=True)
class Registration:
    """What somebody registers with; secrets are not part of its text form."""

    name: str
    email: str
    password: str
    code: str
    invitation: str | None = None

    def __repr__(self) -> str:
        return f"Registration({self.name!r})"


class Gate:
    """The use cases of the HTTP API.

    ``peer`` arguments name the network of the client, for limits. All methods raise ``RateLimited`` and, where a
    part is down, ``Unavailable``.

    Args:
        accounts: Where accounts are.
        invitations: Where invitations are.
        status: Sessions and placement.
        verify: Codes by mail.
        limiter: Counts.
        hasher: Passwords.
        ids: Randomness.
        now_ms: The clock, in ms UTC.
        policy: The operator's choices.
        codec: Content to stored form.

    Attributes:
        own_account: What users do to their own accounts.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        invitations: InvitationStore,
        status: StatusPort,
        verify: VerifyPort,
        limiter: RateLimiter,
        hasher: PasswordHasher,
        ids: Ids,
        now_ms: Callable[[], int],
        policy: GatePolicy,
        codec: ContentCodec,
    ) -> None:
        self._accounts = accounts
        self._invitations = invitations
        self._status = status
        self._verify = verify
        self._limiter = limiter
        self._hasher = hasher
        self._ids = ids
        self._now_ms = now_ms
        self._policy = policy
        self._throttle = LoginThrottle(limiter, policy.logins_per_account)
        self.own_account = OwnAccount(
            accounts, status, hasher, limiter, now_ms, policy, Announcer(codec, ids.client_id)
        )

    # --- codes

    async def request_code(self, purpose: Purpose, email: str, language: str, peer: str) -> CodeSent:
        """Mail a code, or the reason why there is none: the answer is the same, only the owner of the address learns.

        Raises:
            RegistrationClosed: nobody may register.
            ValueRefused: no address that mail can be sent to.
        """
        if purpose is Purpose.REGISTRATION:
            self._refuse_if_closed()
        await take_or_refuse(self._limiter, f"code:{peer}", self._policy.codes_per_peer)
        address = rules.check_email(email)
        known = await self._accounts.by_email(rules.email_key(address)) is not None
        lifetime_ms = await self._verify.send_code(purpose, address, _mail_kind(purpose, known), language)
        return CodeSent(lifetime_ms, self._policy.mail_interval_ms)

    # --- accounts

    async def register(self, request: Registration, peer: str) -> UserCard:
        """Create an account.

        Whatever can be refused without telling a secret is refused before the code is used up. The password is hashed
        before that too, so that a full queue costs nobody a code.

        Raises:
            RegistrationClosed: nobody may register.
            InvitationInvalid: one is needed and none, or none that is good, was given.
            ValueRefused, WeakPassword: a field breaks a rule.
            NameTaken: another account has the name.
            CodeInvalid: the code is not (or no longer) good.
            EmailTaken: the address has an account since the code was sent.
        """
        self._refuse_if_closed()
        await take_or_refuse(self._limiter, f"register:{peer}", self._policy.registrations_per_peer)
        name, email = rules.check_name(request.name), rules.check_email(request.email)
        password = rules.check_password(request.password, name, email)
        invitation = await self._usable_invitation(request.invitation)
        if await self._accounts.by_name(rules.name_key(name)) is not None:
            raise NameTaken("this name is taken")
        password_hash = await self._hasher.hash(password)
        await self._verify.check_code(Purpose.REGISTRATION, email, request.code)
        now_ms = self._now_ms()
        user = User(self._ids.new_id(), name, email, password_hash, now_ms)
        await self._accounts.create(user, rules.name_key(name), rules.email_key(email), invitation, now_ms)
        return UserCard(user.id, user.name)

    def _refuse_if_closed(self) -> None:
        if self._policy.registration is RegistrationMode.CLOSED:
            raise RegistrationClosed("registration is closed on this server")

    async def _usable_invitation(self, code: str | None) -> str | None:
        if self._policy.registration is not RegistrationMode.INVITATION:
            return None
        key = rules.invitation_key(code or "")
        if not key or not await self._invitations.usable(key, self._now_ms()):
            raise InvitationInvalid("an invitation is needed, and this one is wrong, used up or expired")
        return key

    async def reset_password(self, email: str, code: str, password: str, peer: str) -> None:
        """Set a new password and end all sessions of the account.

        Likeness to the account's name is checked after the code only: before it, the refusal would tell the name.
        ``Unavailable`` means that the sessions may live on: ask for another code and do it again.

        Raises:
            ValueRefused, WeakPassword: the password (or the address) breaks a rule.
            CodeInvalid: the code is not (or no longer) good.
        """
        await take_or_refuse(self._limiter, f"reset:{peer}", self._policy.registrations_per_peer)
        address = rules.check_email(email)
        prepared = rules.check_password(password, None, address)
        password_hash = await self._hasher.hash(prepared)
        await self._verify.check_code(Purpose.PASSWORD_RESET, address, code)
        user = await self._accounts.by_email(rules.email_key(address))
        if user is None:
            raise CodeInvalid("the code is wrong or expired")
        rules.check_password(password, user.name, address)
        await self._accounts.set_password(user.id, password_hash)
        await self._status.end_all_sessions(user.id, "password_reset")

    # --- sessions

    async def login(self, login: str, password: str, device: Device, peer: str) -> Login:
        """Open a session for a name or address and its password.

        An unknown account costs the same work as a wrong password, and is limited alike.

        Raises:
            BadCredentials: wrong name, address or password.
        """
        rules.check_device(device)
        await take_or_refuse(self._limiter, f"logins:{peer}", self._policy.logins_per_peer)
        key = rules.login_key(login)
        attempt = await self._throttle.begin(key, peer)
        wrong = False
        try:
            return await self._login(key, rules.prepare_password(password), device)
        except BadCredentials:
            wrong = True
            raise
        finally:
            if not wrong:
                await self._throttle.forgive(attempt)

    async def _login(self, key: str, password: str, device: Device) -> Login:
        user = await self._accounts.by_login(key)
        right = await self._hasher.verify(user.password_hash if user else None, password)
        if user is None or not right:
            raise BadCredentials("wrong name or password")
        login = await self._status.open_session(user.id, user.name, device, self._ids.token())
        # A password reset between the check and here has ended all sessions but this one.
        if not await self._still_right(user, password):
            await self._status.end_session(login.token)
            raise BadCredentials("wrong name or password")
        if self._hasher.outdated(user.password_hash):
            await self._rehash(user, password)
        return login

    async def _still_right(self, user: User, password: str) -> bool:
        now = await self._accounts.by_email(rules.email_key(user.email))
        if now is None:
            return False
        # Another hash may be another login's rehash of the same password.
        return now.password_hash == user.password_hash or await self._hasher.verify(now.password_hash, password)

    async def _rehash(self, user: User, password: str) -> None:
        try:
            fresh = await self._hasher.hash(password)
            await self._accounts.set_password(user.id, fresh, expected_hash=user.password_hash)
        except Unavailable:
            _log.info("a password hash with older parameters stays until the next login")

    async def route(self, token: str) -> tuple[Session, Route, int]:
        """Session, chat nodes (best first) and expiry in ms UTC for a token.

        Raises:
            Unauthenticated: the token is wrong, expired or ended.
        """
        return await self._status.route(token)

    async def logout(self, token: str) -> None:
        """End the session of a token.

        Raises:
            Unauthenticated: the token is wrong, expired or ended already.
        """
        await self._status.authenticate(token)
        await self._status.end_session(token)


def _mail_kind(purpose: Purpose, known: bool) -> MailKind:
    if purpose is Purpose.REGISTRATION:
        return MailKind.ALREADY_REGISTERED if known else MailKind.CODE
    return MailKind.CODE if known else MailKind.NO_ACCOUNT
