"""Commands to talk: send, listen, history."""

from __future__ import annotations

import argparse
import re
import unicodedata
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from datetime import UTC, datetime
from typing import Any, TypeVar

from twisted.internet.defer import CancelledError, Deferred, DeferredSemaphore
from twisted.internet.task import deferLater
from twisted.python.failure import Failure

from imchat.cli.common import run_client, within
from imchat.cli.exits import Code, Exit
from imchat.cli.profile import Role
from imchat.cli.world import World
from imchat.client import Accepted, Client, Options, Received, StateBusy, Status, Turn
from imchat.client.client import FROM_THE_NEWEST
from imchat.domain.content import Text
from imchat.domain.errors import IMError, NotFound
from imchat.domain.models import MAX_ID

T = TypeVar("T")

OUTSTANDING = 64
"""Lines of standard input that may await their acknowledgement."""

BUSY_WAIT = 0.2
"""Seconds between two looks whether another ``send`` has ended."""

PAGE = 100

KEPT = "what is not acknowledged is kept, and sent first by the next imchat send"


# --- showing


_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""What turns the direction of all that follows, beyond the text; the marks U+200E and U+200F do not, and stay."""


def printable(text: str) -> str:
    """A text that cannot do anything to a terminal but be shown; further lines are indented."""
    shown = "".join(c if c in "\n\t" or _harmless(c) else "\ufffd" for c in text)
    return shown.replace("\n", "\n    ")


def _harmless(character: str) -> bool:
    # Zl and Zp: separators of lines and paragraphs, which some terminals begin a line at.
    return character not in _REORDERING and unicodedata.category(character) not in ("Cc", "Zl", "Zp")


async def show(world: World, client: Client, event: Received, text: str, still: Deferred[None] | None = None) -> None:
    """Write one message."""
    name = await client.directory.name(event.sender_id)
    if still is not None and still.called:
        raise CancelledError
    # In the terminal's own time zone, as people expect it there.
    when = datetime.fromtimestamp(event.created_ms / 1000, UTC).astimezone()
    world.tell(
        f"{when:%Y-%m-%d %H:%M:%S} {printable(name)}: {printable(text)}",
        conversation_id=event.stream_id,
        seq=event.seq,
        sender_id=event.sender_id,
        sender=name,
        text=text,
        created_ms=event.created_ms,
        own=event.sender_id == client.session.user_id,
    )


# --- send


async def _target(client: Client, name: str) -> int:
    match = re.fullmatch(r"#(\d{1,16})", name)
    if match and 1 <= int(match[1]) <= MAX_ID:
        return int(match[1])
    if name.startswith("#"):
        raise Exit(Code.USAGE, f"{name!r} is no #CONVERSATION: a number follows the #")
    user = await client.directory.by_name(name)
    try:
        return await client.open_direct(user.id)
    except NotFound:
        raise NotFound(f"there is no user {name!r}") from None


def _no_conversation(target: str) -> str:
    return f"there is no conversation {target} that you are in" if target.startswith("#") else f"{target!r}: not found"


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
        self._refused = False
        self._fault: BaseException | None = None
        seconds = f"{arguments.timeout:g} s"
        self._no_answer = Exit(Code.TIMED_OUT, f"no acknowledgement within {seconds}: {KEPT}")
        self._no_server = Exit(Code.UNREACHABLE, f"no connection to the chat server within {seconds}")

    async def run(self) -> None:
        try:
            target = Deferred.fromCoroutine(_target(self._client, self._arguments.target))
            conversation_id = await self._within(target, self._no_server)
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
        sent = self._client.send(conversation_id, text)
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
        if failure.check(IMError):
            self._refused = True
            missing = failure.check(NotFound) is not None
            self._world.note(_no_conversation(self._arguments.target) if missing else str(failure.value))

    def _output_failed(self, failure: Failure) -> None:
        self._fault = failure.value


async def send(arguments: argparse.Namespace, world: World) -> None:
    """Send a text, or each line of standard input; wait until all is acknowledged."""
    await _in_turn(arguments, world, lambda client: _Sender(arguments, world, client).run())


async def _in_turn(
    arguments: argparse.Namespace, world: World, body: Callable[[Client], Coroutine[Deferred[Any], Any, None]]
) -> None:
    """Run a client of the sending device, after any other command that uses it."""
    deadline = world.reactor.seconds() + arguments.timeout
    while True:
        try:
            await run_client(arguments, world, Role.SEND, body)
            return
        except StateBusy:
            if world.reactor.seconds() >= deadline:
                raise Exit(Code.TIMED_OUT, "another imchat command uses this profile") from None
        await deferLater(world.reactor, BUSY_WAIT)


# --- listen


class _Listener:
    """Shows messages as they come, until enough have come."""

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
        content = turn.event.content
        if self._client is None:
            raise CancelledError  # not begun: it will be handled by the next listen
        if not isinstance(content, Text) or (turn.own and not self._arguments.own):
            return
        try:
            await show(self._world, self._client, turn.event, content.text, self.done)
        except OSError as error:
            if not self.done.called:
                self.done.errback(error)
            raise CancelledError from error
        if self._left is not None:
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


# --- history


async def history(arguments: argparse.Namespace, world: World) -> None:
    """Show the newest messages of a conversation, oldest first."""
    world.as_json = world.as_json or arguments.format == "json"

    async def body(client: Client) -> None:
        late = Exit(Code.UNREACHABLE, f"no answer within {arguments.timeout:g} s")
        shown = Deferred.fromCoroutine(_history(arguments, world, client))
        await within(world, arguments.timeout, shown, late)

    await _in_turn(arguments, world, body)


async def _history(arguments: argparse.Namespace, world: World, client: Client) -> None:
    conversation_id = await _target(client, arguments.target)
    before, found = arguments.before or FROM_THE_NEWEST, deque[tuple[Received, str]]()
    while len(found) < arguments.limit:
        try:
            page = await client.history(conversation_id, before, PAGE)
        except NotFound:
            raise NotFound(_no_conversation(arguments.target)) from None
        texts = [(event, event.content.text) for event in page.events if isinstance(event.content, Text)]
        found.extendleft(reversed(texts))
        before = page.from_seq
        if before <= 1 or page.to_seq < page.from_seq:
            break
    await client.directory.names(event.sender_id for event, _ in found)
    for event, text in list(found)[-arguments.limit :]:
        await show(world, client, event, text)
