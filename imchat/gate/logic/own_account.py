"""What a user does to their own account: another password, and the end of it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from imchat.domain import accounts as rules
from imchat.domain.announcing import Announcer
from imchat.domain.errors import BadCredentials, Unauthenticated, Unavailable, ValueRefused
from imchat.domain.models import Session, User
from imchat.domain.sessions import ACCOUNT_DELETED, PASSWORD_CHANGE
from imchat.gate.logic.policy import GatePolicy
from imchat.gate.logic.throttle import LoginThrottle, take_or_refuse
from imchat.ports import AccountStore, PasswordHasher, RateLimiter, StatusPort

_RETRY_MS = 1_000


class OwnAccount:
    """For whoever has both a token and the password: neither alone is enough.

    A wrong password counts as a failed login of the account: a stolen token is no way around that limit.

    Args:
        accounts: Where accounts are.
        status: Sessions.
        hasher: Passwords.
        limiter: Counts.
        now_ms: The clock, in ms UTC.
        policy: The operator's choices.
        announcer: Makes drafts of what others are told of.
    """

    def __init__(
        self,
        accounts: AccountStore,
        status: StatusPort,
        hasher: PasswordHasher,
        limiter: RateLimiter,
        now_ms: Callable[[], int],
        policy: GatePolicy,
        announcer: Announcer,
    ) -> None:
        self._accounts = accounts
        self._status = status
        self._hasher = hasher
        self._limiter = limiter
        self._now_ms = now_ms
        self._policy = policy
        self._announcer = announcer
        self._throttle = LoginThrottle(limiter, policy.logins_per_account)

    async def change_password(self, token: str, old: str, new: str, peer: str) -> None:
        """Set a new password, and end all sessions but that of the token.

        After ``Unavailable`` the same call may be made again: where the password is the new one already, the sessions
        are ended.

        Raises:
            Unauthenticated: the token is wrong, expired or ended.
            BadCredentials: the old password is wrong.
            ValueRefused, WeakPassword: the new one breaks a rule.
        """
        session = await self._status.authenticate(token)
        async with self._attempt(session, peer):
            user = await self._user(session)
            prepared = _checked(new, user)
            if await self._hasher.verify(user.password_hash, rules.prepare_password(old)):
                await self._replace(user, prepared)
            elif not await self._hasher.verify(user.password_hash, prepared):
                raise BadCredentials("the old password is wrong")
        await self._status.end_other_sessions(user.id, session.device.device_id, PASSWORD_CHANGE)

    async def _replace(self, user: User, prepared: str) -> None:
        fresh = await self._hasher.hash(prepared)
        if not await self._accounts.set_password(user.id, fresh, expected_hash=user.password_hash):
            raise Unavailable("the password was changed at the same time", _RETRY_MS)

    async def delete(self, token: str, password: str, peer: str) -> None:
        """Delete the account for good, and end all its sessions.

        Raises:
            Unauthenticated: the token is wrong, expired or ended; so it is once the account is deleted.
            BadCredentials: the password is wrong.
        """
        session = await self._status.authenticate(token)
        async with self._attempt(session, peer):
            user = await self._user(session)
            if not await self._hasher.verify(user.password_hash, rules.prepare_password(password)):
                raise BadCredentials("the password is wrong")
            announce = self._announcer.begin()
            if not await self._accounts.delete(user.id, user.password_hash, announce, self._now_ms()):
                raise Unavailable("the password was changed at the same time", _RETRY_MS)
        await self._status.end_all_sessions(user.id, ACCOUNT_DELETED)

    @asynccontextmanager
    async def _attempt(self, session: Session, peer: str) -> AsyncIterator[None]:
        """Count a try of a password, unless it fails for another reason than the password."""
        await take_or_refuse(self._limiter, f"logins:{peer}", self._policy.logins_per_peer)
        attempt = await self._throttle.begin(rules.name_key(session.name), peer)
        wrong = False
        try:
            yield
        except BadCredentials:
            wrong = True
            raise
        finally:
            if not wrong:
                await self._throttle.forgive(attempt)

    async def _user(self, session: Session) -> User:
        user = await self._accounts.by_name(rules.name_key(session.name))
        if user is None or user.id != session.user_id:
            raise Unauthenticated("the account is gone")
        return user


def _checked(password: str, user: User) -> str:
    try:
        return rules.check_password(password, user.name, user.email)
    except ValueRefused as error:
        raise ValueRefused(error.message, field="new_password") from error
