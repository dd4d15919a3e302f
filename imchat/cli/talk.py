"""Commands to talk: send and listen."""

from __future__ import annotations

import argparse
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from imchat.cli.asking import in_turn, person, target
from imchat.cli.common import run_client, within
from imchat.cli.exits import Code, Exit
from imchat.cli.explaining import not_sent
from imchat.cli.profile import Role
from imchat.cli.showing import is_act, is_shown, show
from imchat.cli.world import World
from imchat.client import Accepted, Client, Options, StateBusy, Status, Turn
from imchat.domain.content import Text
from imchat.domain.errors import IMError
from imchat.domain.models import SYSTEM_SENDER

T = TypeVar("T")

OUTSTANDING = 64
"""Lines of standard input that may await their acknowledgement."""

KEPT = "what is not acknowledged is kept, and sent first by the next imchat send"


# --- send


async def _texts(arguments: argparse.Namespace, world: World) -> AsyncIterator[str]:
    if arguments.text != ["-"]:
        yield " ".join(arguments.text)
        return
    lines = world.lines()
    while (line := await lines.next()) is not None:
        if line.strip():
            yield line


class _Sender:
    """Sends texts one after another and reports each as it is answered."""

    def __init__(self, arguments: argparse.Namespace, world: World, client: Client) -> None:
        self._arguments, self._world, self._client = arguments, world, client
        self._slots = DeferredSemaphore(OUTSTANDING)
        self._mentions: tuple[int, ...] = ()
        self._refused = False
        self._fault: BaseException | None = None
        seconds = f"{arguments.timeout:g} s"
        self._no_answer = Exit(Code.TIMED_OUT, f"no acknowledgement within {seconds}: {KEPT}")
        self._no_server = Exit(Code.UNREACHABLE, f"no connection to the chat server within {seconds}")

    async def run(self) -> None:
        try:
            opened = Deferred.fromCoroutine(target(self._client, self._arguments.target))
            conversation_id = await self._within(opened, self._no_server)
            named = Deferred.fromCoroutine(self._named(self._arguments.mention))
            self._mentions = await self._within(named, self._no_server)
            broken_off = await self._send_all(conversation_id)
            for _ in range(OUTSTANDING):
                await self._within(self._slots.acquire(), self._no_answer)
            await self._within(self._client.when_sent(), self._no_answer)
        except CancelledError:
            if self._slots.tokens < OUTSTANDING:
                self._world.note(KEPT)
            raise
        if broken_off is not None:
            raise broken_off
        if self._refused:
            raise Exit(Code.REFUSED)

    async def _named(self, names: Sequence[str]) -> tuple[int, ...]:
        return tuple([(await person(self._client, name)).id for name in names])

    async def _send_all(self, conversation_id: int) -> Exit | None:
        """Send each text; return why the input cannot be read to its end, if so: what it gave is finished first."""
        texts = _texts(self._arguments, self._world)
        while True:
            try:
                text = await anext(texts)
            except StopAsyncIteration:
                return None
            except Exit as error:
                return error
            await self._within(self._slots.acquire(), self._no_answer)
            self._send(conversation_id, text)

    async def _within(self, deferred: Deferred[T], late: Exit) -> T:
        result = await within(self._world, self._arguments.timeout, deferred, late)
        if self._fault is not None:
            raise self._fault
        return result

    def _send(self, conversation_id: int, text: str) -> None:
        content = Text(text, reply_to=self._arguments.reply or 0, mentions=self._mentions)
        sent = self._client.send(conversation_id, content)
        sent.addCallbacks(self._accepted, self._failed)
        sent.addErrback(self._output_failed)
        sent.addCallback(lambda _: self._slots.release())

    def _accepted(self, accepted: Accepted) -> None:
        self._world.tell(
            str(accepted.seq),
            conversation_id=accepted.conversation_id,
            seq=accepted.seq,
            created_ms=accepted.created_ms,
        )

    def _failed(self, failure: Failure) -> None:
        # Whatever else it is ends the client, and is told where that ends.
        if isinstance(failure.value, IMError):
            self._refused = True
            self._world.note(not_sent(failure.value, self._arguments.target, self._other_missing()))

    def _other_missing(self) -> str:
        missing = [f"no message {self._arguments.reply} to reply to"] if self._arguments.reply else []
        missing += ["not all who are mentioned"] if self._mentions else []
        return ", or ".join(missing)

    def _output_failed(self, failure: Failure) -> None:
        self._fault = failure.value


async def send(arguments: argparse.Namespace, world: World) -> None:
    """Send a text, or each line of standard input; wait until all is acknowledged."""
    await in_turn(arguments, world, lambda client: _Sender(arguments, world, client).run())


# --- listen


class _Listener:
    """Shows messages and what is done to them as it comes, until enough messages have come."""

    def __init__(self, arguments: argparse.Namespace, world: World) -> None:
        self._arguments, self._world = arguments, world
        self._left: int | None = arguments.count
        self._interrupted = False
        self._client: Client | None = None
        self.done: Deferred[None] = Deferred()

    async def run(self, client: Client) -> None:
        self._client = client
        if self._arguments.timeout is None:
            await self.done
            return
        late = Exit(Code.OK if self._left is None else Code.TIMED_OUT, self._too_few())
        await within(self._world, self._arguments.timeout, self.done, late)

    def _too_few(self) -> str:
        return "" if self._left is None else f"fewer than {self._left} messages in {self._arguments.timeout:g} s"

    async def handle(self, turn: Turn) -> None:
        event = turn.event
        if self._client is None:
            raise CancelledError  # not begun: it will be handled by the next listen
        if event.stream_id == turn.user_id or (turn.own and not self._arguments.own):
            return
        if not is_shown(event) and not is_act(event):
            return
        try:
            await show(self._world, self._client, event, self._arguments.numbers, self.done)
        except OSError as error:
            if not self.done.called:
                self.done.errback(error)
            raise CancelledError from error
        if self._left is not None and event.sender_id != SYSTEM_SENDER and is_shown(event):
            self._left -= 1
            if self._left == 0:
                self.done.callback(None)

    def status(self, status: Status, detail: str) -> None:
        """Say once that the connection is gone, and once that it is there again."""
        if status is Status.WAITING and not self._interrupted:
            self._interrupted = True
            self._world.note(f"{detail}; trying until it works")
        elif status is Status.LIVE and self._interrupted:
            self._interrupted = False
            self._world.note("connected again")


async def listen(arguments: argparse.Namespace, world: World) -> None:
    """Show messages as they arrive, each once, over restarts of the server and of this command."""
    listener = _Listener(arguments, world)
    options = Options(newest=arguments.last, on_status=listener.status)
    try:
        await run_client(arguments, world, Role.LISTEN, listener.run, listener.handle, options)
    except StateBusy:
        raise Exit(Code.REFUSED, "another imchat listen uses this profile") from None
