"""Mails as files, for a server without a mail server (the embedded default)."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from twisted.logger import Logger

from imchat.domain.errors import Unavailable
from imchat.domain.sessions import DAY_MS
from imchat.ports import Ids, Mail
from imchat.verify.message import build

InThread = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs a function in a thread and waits for it."""

KEPT_DAYS = 7
"""Older mails are removed: what is in them was worth something for minutes."""

_OWN_NAME = re.compile(r"\d{8}T\d{6}\.\d{3}Z-\d{6,}-[0-9a-f]{8}\.eml")

_log = Logger()


class OutboxMailer:
    """The :class:`imchat.ports.Mailer` that writes each mail into a directory of its own, as an ``.eml`` file.

    Names sort by time; mails older than :data:`KEPT_DAYS` are removed. Directory and files are for their owner only:
    whoever can read them can use the codes.

    Args:
        directory: Made at the first mail if it is not there.
        ids: For names that nobody else has.
        now_ms: The clock, in ms.
        in_thread: Does what may block.
        sender: ``From``.
    """

    def __init__(
        self,
        directory: Path,
        ids: Ids,
        now_ms: Callable[[], int],
        in_thread: InThread,
        sender: str = "imchat@localhost",
    ) -> None:
        self._directory = directory
        self._ids = ids
        self._now_ms = now_ms
        self._in_thread = in_thread
        self._sender = sender
        self._count = 0

    async def send(self, mail: Mail) -> None:
        """Return when the file is there, whole.

        Raises:
            Unavailable: it could not be written.
        """
        now_ms, unique = self._now_ms(), self._ids.client_id().hex()
        path = self._directory / self._name(now_ms, unique)
        try:
            data = build(mail, self._sender, unique, now_ms, "8bit")
            await self._in_thread(partial(_write, path, data, _time_of(now_ms - KEPT_DAYS * DAY_MS)))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            _log.error("cannot write a mail into {directory}: {reason}", directory=self._directory, reason=reason)
            raise Unavailable("the mail could not be sent") from error
        _log.info("a mail was written to {path}", path=path)

    def _name(self, now_ms: int, unique: str) -> str:
        self._count += 1
        return f"{_time_of(now_ms)}-{self._count:06d}-{unique[:8]}.eml"


def _time_of(now_ms: int) -> str:
    return f"{datetime.fromtimestamp(now_ms // 1000, UTC):%Y%m%dT%H%M%S}.{now_ms % 1000:03d}Z"


def _write(path: Path, data: bytes, kept_from: str) -> None:
    """Write a mail, then remove those that are older than ``kept_from``; nothing else in the directory is touched."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    unfinished = path.with_name(f".{path.name}.part")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        unfinished.rename(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise
    for other in path.parent.iterdir():
        if other.name < kept_from and _OWN_NAME.fullmatch(other.name):
            # The mail is written, whatever becomes of the others.
            with contextlib.suppress(OSError):
                other.unlink()
