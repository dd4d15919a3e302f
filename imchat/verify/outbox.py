"""Mails as files, for a server without a mail server (the embedded default)."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from twisted.logger import Logger

from imchat.domain.errors import Unavailable
from imchat.ports import Ids, Mail
from imchat.verify.message import build

InThread = Callable[[Callable[[], None]], Awaitable[None]]
"""Runs a function in a thread and waits for it."""

_log = Logger()


class OutboxMailer:
    """The :class:`imchat.ports.Mailer` that writes each mail into a directory of its own, as an ``.eml`` file.

    Names sort by time. Directory and files are for their owner only: whoever can read them can use the codes.

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
            await self._in_thread(partial(_write, path, data))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            _log.error("cannot write a mail into {directory}: {reason}", directory=self._directory, reason=reason)
            raise Unavailable("the mail could not be sent") from error
        _log.info("a mail was written to {path}", path=path)

    def _name(self, now_ms: int, unique: str) -> str:
        self._count += 1
        time = datetime.fromtimestamp(now_ms // 1000, UTC)
        return f"{time:%Y%m%dT%H%M%S}.{now_ms % 1000:03d}Z-{self._count:06d}-{unique[:8]}.eml"


def _write(path: Path, data: bytes) -> None:
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
