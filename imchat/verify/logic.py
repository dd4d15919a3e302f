"""Verification codes: made, mailed under limits, and used up. Knows neither SMTP nor what the mails say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.logger import Logger

from imchat.domain.accounts import email_key
from imchat.domain.errors import CodeInvalid, IMError, RateLimited
from imchat.domain.verification import CODE_LENGTH, is_code
from imchat.ports import CodeStore, Ids, Limit, Mail, Mailer, MailKind, Purpose, RateLimiter
from imchat.verify.settings import VerifySettings

DAY_MS = 86_400_000

_log = Logger()


@dataclass(frozen=True, slots=True)
class Order:
    """What a mail must say.

    Attributes:
        code: None where ``kind`` is one without a code.
        lifetime_ms: How long a code is valid.
        language: The client's ``Accept-Language`` header.
    """

    address: str
    purpose: Purpose
    kind: MailKind
    code: str | None
    lifetime_ms: int
    language: str


Compose = Callable[[Order], Mail]


class VerifyLogic:
    """The :class:`imchat.ports.VerifyPort` of a verify server.

    Args:
        ids: Where codes come from.
        codes: Keeps them.
        limiter: Counts the mails to an address.
        mailer: Takes the mails.
        compose: Writes them.
        settings: The rules.
    """

    def __init__(
        self,
        ids: Ids,
        codes: CodeStore,
        limiter: RateLimiter,
        mailer: Mailer,
        compose: Compose,
        settings: VerifySettings,
    ) -> None:
        self._ids = ids
        self._codes = codes
        self._limiter = limiter
        self._mailer = mailer
        self._compose = compose
        self._settings = settings
        self._limits = (
            ("mail", Limit(1, settings.mail_interval_ms)),
            ("mail-day", Limit(settings.mails_per_day, DAY_MS)),
        )

    async def send_code(self, purpose: Purpose, address: str, kind: MailKind, language: str) -> int:
        """Mail a code, or the reason why there is none, to an address; all kinds count alike against the limits.

        Returns:
            For how long a code is valid, in ms.

        Raises:
            RateLimited: the address had its mails; ``retry_after_ms`` says when it may get another.
            Unavailable: the mail could not be sent or the code not be kept. Nothing of it counts.
        """
        key = email_key(address)
        await self._count_mail(key)
        code = self._ids.digits(CODE_LENGTH) if kind is MailKind.CODE else None
        order = Order(address, purpose, kind, code, self._settings.code_lifetime_ms, language)
        try:
            if code is not None:
                await self._codes.put(purpose, key, code, self._settings.code_lifetime_ms)
            await self._mailer.send(self._compose(order))
        except Exception:
            await self._undo(purpose, key, code is not None)
            raise
        return self._settings.code_lifetime_ms

    async def check_code(self, purpose: Purpose, address: str, code: str) -> None:
        """Use a code up.

        Raises:
            CodeInvalid: wrong, used, void or expired; which of them is not told.
        """
        right = is_code(code) and await self._codes.take(purpose, email_key(address), code, self._settings.max_tries)
        if not right:
            raise CodeInvalid("the verification code is wrong, used or expired")

    async def _count_mail(self, key: str) -> None:
        for number, (name, limit) in enumerate(self._limits):
            wait_ms = await self._limiter.take(f"{name}:{key}", limit)
            if wait_ms:
                await self._give_back(key, number)
                raise RateLimited("this address got a mail a short while ago or enough of them today", wait_ms)

    async def _give_back(self, key: str, count: int) -> None:
        for name, limit in self._limits[:count]:
            await self._limiter.give_back(f"{name}:{key}", limit)

    async def _undo(self, purpose: Purpose, key: str, discard: bool) -> None:
        # What fails here must not hide why the mail was not sent.
        try:
            if discard:
                await self._codes.discard(purpose, key)
            await self._give_back(key, len(self._limits))
        except IMError as error:
            _log.warn("a mail that was not sent still counts for its address: {error}", error=str(error))
