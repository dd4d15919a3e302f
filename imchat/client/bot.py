"""Bots: a client with as little around it as possible.

::

    bot = Bot(server="http://127.0.0.1:8080", login="echo", password="...", state="echo.db")


    @bot.on_message
    async def echo(message: Message) -> None:
        await message.reply(message.text)


    bot.run()
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NoReturn

from twisted.internet.task import react
from twisted.logger import (
    FilteringLogObserver,
    Logger,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)

from imchat.client.client import Client
from imchat.client.errors import ClientError, Stopped
from imchat.client.gate import Gate
from imchat.client.login import Credentials
from imchat.client.network import http_client, in_threads, node_connector
from imchat.client.options import Options, Outside, Status
from imchat.client.outbox import Accepted
from imchat.client.sqlite import SqliteState
from imchat.client.turn import Turn
from imchat.domain.content import Text
from imchat.domain.errors import IMError
from imchat.net.ids import SecureIds

_log = Logger()


class Message:
    """A text that somebody wrote.

    Attributes:
        conversation_id: Where.
        seq: Its place there.
        sender_id: Who.
        text: What.
        created_ms: When, in milliseconds UTC.
    """

    def __init__(self, turn: Turn, text: str, client: Client) -> None:
        self.conversation_id = turn.event.stream_id
        self.seq = turn.event.seq
        self.sender_id = turn.event.sender_id
        self.text = text
        self.created_ms = turn.event.created_ms
        self._turn = turn
        self._client = client

    async def reply(self, text: str) -> None:
        """Answer in the same conversation.

        The answer is saved together with the fact that this message was handled, and sent, when the handler has
        returned: however often the bot is killed, each message gets its answers once.

        Raises:
            InvalidRequest: the text cannot be sent.
            RuntimeError: the handler has returned already.
        """
        self._turn.reply(self.conversation_id, Text(text))

    async def sender_name(self) -> str:
        """The name of who wrote it."""
        return await self._client.directory.name(self.sender_id)


OnMessage = Callable[[Message], Awaitable[None]]


class Bot:
    """A user that is a program.

    Args:
        server: URL of the gate.
        login: Name or e-mail of the bot's account.
        password: Its password.
        state: File for the session, positions and the outbox; a bot that is started again with it goes on where it
            was. One bot at a time uses it.
        ca_file: PEM file of the certificates to trust instead of the system's.
    """

    def __init__(
        self, *, server: str, login: str, password: str, state: str | Path, ca_file: str | Path | None = None
    ) -> None:
        self._server = server
        self._credentials = Credentials(login, password)
        self._state = Path(state)
        self._ca_file = Path(ca_file) if ca_file is not None else None
        self._on_message: OnMessage | None = None
        self._client: Client | None = None

    def on_message(self, handler: OnMessage) -> OnMessage:
        """Decorator: call this function for each text of somebody else, those of one conversation in order.

        A failure of the function is logged; what it wanted to send for that message is not sent then.
        """
        self._on_message = handler
        return handler

    @property
    def client(self) -> Client:
        """The client below, while the bot runs.

        Raises:
            RuntimeError: the bot does not run.
        """
        if self._client is None:
            raise RuntimeError("the bot does not run")
        return self._client

    async def send(self, conversation_id: int, text: str) -> Accepted:
        """Send a text of the bot's own accord, and wait until it is durable.

        Within a handler use :meth:`Message.reply`, which survives an interruption.
        """
        return await self.client.send(conversation_id, text)

    async def send_to(self, name: str, text: str) -> Accepted:
        """As :meth:`send`, to the user with this name."""
        user = await self.client.directory.by_name(name)
        return await self.send(await self.client.open_direct(user.id), text)

    def build(self, outside: Outside, options: Options | None = None) -> Client:
        """Make the client that runs this bot; the caller starts and stops it."""
        self._client = Client(outside, self._handle, options)
        return self._client

    async def _handle(self, turn: Turn) -> None:
        content = turn.event.content
        if self._on_message is not None and isinstance(content, Text) and not turn.own:
            await self._on_message(Message(turn, content.text, self.client))

    def run(self) -> NoReturn:
        """Run the bot until it is told to end by SIGINT or SIGTERM, then exit the program.

        Exits with 0, or with one line on standard error and 1 where the server refuses the bot for good.
        """
        info = LogLevelFilterPredicate(defaultLogLevel=LogLevel.info)
        info.setLogLevelForNamespace("twisted.web.client", LogLevel.warn)
        globalLogBeginner.beginLoggingTo(
            [FilteringLogObserver(textFileLogObserver(sys.stderr), [info])], redirectStandardIO=False
        )
        react(self._main)

    async def _main(self, reactor: Any) -> None:
        try:
            outside = Outside(
                Gate(self._server, http_client(reactor, self._ca_file), reactor),
                node_connector(reactor, self._ca_file),
                reactor,
                SecureIds(),
                SqliteState(self._state, in_threads(reactor)),
            )
        except ValueError as error:
            raise SystemExit(f"bot {self._credentials.login}: {error}") from error
        options = Options(device_name="bot", platform=platform.system().lower() or "python", on_status=_log_status)
        client = self.build(outside, options)
        reactor.addSystemEventTrigger("before", "shutdown", client.stop)
        try:
            await client.start(self._credentials)
            await client.when_closed()
        except Stopped:
            return
        except (ClientError, IMError) as error:
            await client.stop()
            raise SystemExit(f"bot {self._credentials.login}: {error}") from error


def _log_status(status: Status, detail: str) -> None:
    _log.info("{status}: {detail}", status=status.value, detail=detail)
