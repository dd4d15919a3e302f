"""Accounts, invitations and sessions in the truth (SQL)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from imchat.domain.models import Device, Draft, Ended, Invitation, Session, User, UserCard
from imchat.domain.people import SessionInfo
from imchat.ports.streams import Announce


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

    async def delete(self, user_id: int, expected_hash: str, announce: Announce, now_ms: int) -> bool:
        """Delete an account for good, while ``expected_hash`` is its password's.

        What it was known by is free for others, its profile is empty, and nobody can log in; its sessions, its own
        contacts and its contact requests are gone. The row stays, under a placeholder, for those who talked with it;
        the membership of each of its conversations has a new version. The newest contact requests that waited are
        expired from now on, and the private streams of the others say so.

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
