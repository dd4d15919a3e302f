"""The servers as others see them, and what they use: mail, hashing, the health of a dependency."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from imchat.domain.models import Device, Login, NodeReport, Route, Session
from imchat.ports.volatile import Purpose


class StatusPort(Protocol):
    """The status server, as gate and chat see it."""

    async def report(self, report: NodeReport) -> None:
        """A chat node says that it lives and how loaded it is."""

    async def open_session(self, user_id: int, name: str, device: Device, token: bytes) -> Login:
        """Open a session and pick a node.

        Args:
            user_id: Whose.
            name: The user's name.
            device: On which device.
            token: 32 random bytes, new for each login. With the same ones the call may come again, also late: a server
                that was given up for another may still carry it out, and must not end the session that stands by then.

        Raises:
            Unavailable: no chat node is up; no session was opened.
        """

    async def authenticate(self, token: str) -> Session:
        """The session of a token.

        Raises:
            Unauthenticated: it is wrong, expired or ended.
        """

    async def route(self, token: str) -> tuple[Session, Route, int]:
        """Session, chat nodes and expiry (ms UTC) for a valid token.

        Raises:
            Unauthenticated: as in :meth:`authenticate`.
            Unavailable: no chat node is up.
        """

    async def end_session(self, token: str) -> None:
        """Log out. A token that is not valid (any more) is no error."""

    async def end_all_sessions(self, user_id: int, reason: str) -> None:
        """End every session of a user, immediately on all nodes."""

    async def end_other_sessions(self, user_id: int, device_id: str, reason: str) -> None:
        """End every session of a user but that of one device, immediately on all nodes."""


class MailKind(StrEnum):
    """Which mail an address gets when a code is asked for."""

    CODE = "code"
    ALREADY_REGISTERED = "already_registered"
    NO_ACCOUNT = "no_account"


class VerifyPort(Protocol):
    """The verify server, as gate sees it."""

    async def send_code(self, purpose: Purpose, address: str, kind: MailKind, language: str) -> int:
        """Mail a code (or, by ``kind``, the reason why there is none) to an address.

        Args:
            address: A validated e-mail address.
            language: The client's ``Accept-Language`` header; Chinese and English are spoken.

        Returns:
            For how long a code is valid, in ms, whichever ``kind``.

        Raises:
            RateLimited: one mail per address and minute, and a daily cap.
            Unavailable: the mail server did not take the mail.
        """

    async def check_code(self, purpose: Purpose, address: str, code: str) -> None:
        """Use a code up.

        Raises:
            CodeInvalid: wrong, used, void or expired.
        """


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail in two forms. ``text`` and ``html`` say the same."""

    to: str
    subject: str
    text: str
    html: str
    language: str


class Mailer(Protocol):
    """Hands mails to a mail server or to the outbox."""

    async def send(self, mail: Mail) -> None:
        """Return when the mail was taken over.

        Raises:
            Unavailable: it was not, within the time-out; nothing is queued.
        """


class PasswordHasher(Protocol):
    """argon2id in a thread pool of its own with a bounded queue."""

    async def hash(self, password: str) -> str:
        """Hash a password.

        Raises:
            Unavailable: the queue is full.
        """

    async def verify(self, password_hash: str | None, password: str) -> bool:
        """Compare; with None (no such account) the same work is done against a fixed hash and the answer is False.

        Raises:
            Unavailable: the queue is full.
        """

    def outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with other parameters than today's."""


class Health(Protocol):
    """Whether a dependency answers."""

    async def ping(self) -> None:
        """Return if it answers.

        Raises:
            Unavailable: with a message for the operator.
        """
