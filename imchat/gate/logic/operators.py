"""What an operator does through the running server's UNIX socket."""

from __future__ import annotations

import base64
from collections.abc import Callable

from imchat.domain import accounts as rules
from imchat.domain.models import Invitation, User, UserCard
from imchat.ports import AccountStore, Ids, InvitationStore, PasswordHasher

DAY_MS = 86_400_000
_CODE_BYTES = 10
_GROUP = 4


class Operators:
    """The use cases of the operator's API.

    Args:
        accounts: Where accounts are.
        invitations: Where invitations are.
        hasher: Passwords.
        ids: Randomness.
        now_ms: The clock, in ms UTC.
    """

    def __init__(
        self,
        *,
        accounts: AccountStore,
        invitations: InvitationStore,
        hasher: PasswordHasher,
        ids: Ids,
        now_ms: Callable[[], int],
    ) -> None:
        self._accounts = accounts
        self._invitations = invitations
        self._hasher = hasher
        self._ids = ids
        self._now_ms = now_ms

    async def invite(self, uses: int, days: int) -> Invitation:
        """Make an invitation for ``uses`` registrations within ``days`` days.

        Returns:
            The invitation; its code is 80 random bits in four groups, as people pass it on.
        """
        code = base64.b32encode(self._ids.token()[:_CODE_BYTES]).decode("ascii")
        now_ms = self._now_ms()
        expires_ms = now_ms + days * DAY_MS
        await self._invitations.add(Invitation(code, uses, expires_ms), now_ms)
        groups = "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))
        return Invitation(groups, uses, expires_ms)

    async def create_user(self, name: str, email: str, password: str) -> UserCard:
        """Create an account without mail, code or invitation, also where registration is closed.

        Raises:
            ValueRefused, WeakPassword: a field breaks a rule.
            NameTaken, EmailTaken: another account has it.
        """
        name, email = rules.check_name(name), rules.check_email(email)
        password_hash = await self._hasher.hash(rules.check_password(password, name, email))
        now_ms = self._now_ms()
        user = User(self._ids.new_id(), name, email, password_hash, now_ms)
        await self._accounts.create(user, rules.name_key(name), rules.email_key(email), None, now_ms)
        return UserCard(user.id, user.name)
