"""What an application does with its client, and what it is told by it; the history hears of all of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from imchat.client import Accepted, Client, Page, Received, Stopped, Turn
from imchat.client.state import Change, OutboxEntry
from imchat.domain.content import Text
from imchat.domain.errors import Conflict, IMError, NotFound
from imchat.wire import imchat_pb2 as pb
from tests.simulation.process import SimulatedProcess

if TYPE_CHECKING:
    from tests.simulation.clients import Device
    from tests.simulation.world import World

OTHERWISE = ", otherwise"
"""Ends the texts that must never be stored, for their ids are another message's."""


@dataclass
class Person:
    """A user.

    Attributes:
        number: Which of them.
        user_id: Once there is an account.
        password: By now.
        other_password: The one that it may be instead: an answer was lost.
        devices: What they use, and used.
        bot: Their devices answer questions.
    """

    number: int
    name: str
    email: str
    password: str
    other_password: str = ""
    user_id: int = 0
    devices: list[Device] = field(default_factory=list)
    bot: bool = False
    resetting: bool = False


class Application:
    """The application on a device.

    Args:
        world: Where it is.
        person: Who uses it.
        name: Of the device.

    Attributes:
        process: Where it runs, or ran last.
        client: Its client.
        asking: Messages that wait for the id of their conversation.
    """

    usable: bool

    def __init__(self, world: World, person: Person, name: str) -> None:
        self.world = world
        self.person = person
        self.name = name
        self.process: SimulatedProcess | None = None
        self.client: Client
        self.asking = 0
        self._last_added: OutboxEntry | None = None
        self._tentative: dict[int, list[tuple[Received, float]]] = defaultdict(list)

    # --- what it does

    def say(self, peer: Person, text: str) -> None:
        """Send a message to somebody."""
        if self.usable and self.process is not None:
            self.process.enter(self._say, self.process, peer, text)

    def _say(self, process: SimulatedProcess, peer: Person, text: str) -> None:
        self.asking += 1
        found = Deferred.fromCoroutine(self.client.open_direct(peer.user_id))
        found.addBoth(self._asked_for, process)
        found.addCallback(lambda conversation_id: self._send(process, conversation_id, text))
        found.addErrback(self._not_sent, process)

    def _asked_for(self, result: object, process: SimulatedProcess) -> object:
        if process is self.process:
            self.asking -= 1
        return result

    def _send(self, process: SimulatedProcess, conversation_id: int, text: str) -> None:
        if process.dead:
            return
        self._last_added = None
        sent = self.client.send(conversation_id, text)
        entry = self._last_added
        if entry is not None:
            sent.addErrback(self._refused, process, entry)
        else:
            sent.addErrback(self._not_sent, process)

    def say_again(self, conversation_id: int, client_id: bytes, text: str) -> None:
        """Send a message with an id that was used before, as a program restored from a backup does."""
        if self.process is not None:
            self.process.enter(self._say_again, self.process, conversation_id, client_id, text)

    def _say_again(self, process: SimulatedProcess, conversation_id: int, client_id: bytes, text: str) -> None:
        sent = self.client._engine.outbox.send(conversation_id, client_id, Text(text))
        sent.addErrback(self._not_sent, process)

    def say_otherwise(
        self, conversation_id: int, client_id: bytes, text: str, refusal: type[IMError] = Conflict
    ) -> None:
        """Send another text with an id that was used before, or what must be refused for another reason."""
        if self.process is not None:
            self.process.enter(self._say_otherwise, self.process, conversation_id, client_id, text, refusal)

    def _say_otherwise(self, process: SimulatedProcess, conversation_id, client_id, text, refusal) -> None:
        sent = self.client._engine.outbox.send(conversation_id, client_id, Text(text))
        sent.addErrback(self._refused_rightly, process, refusal)

    def _refused_rightly(self, failure: Failure, process: SimulatedProcess, refusal: type[IMError]) -> None:
        if failure.check(refusal):
            self.world.trace.hit(refusal.code)
        else:
            self._not_sent(failure, process)

    def pry(self, conversation_id: int) -> None:
        """Read a conversation of others, which must be refused."""
        if self.process is not None:
            self.process.enter(self._pry, self.process, conversation_id)

    def _pry(self, process: SimulatedProcess, conversation_id: int) -> None:
        page = Deferred.fromCoroutine(self.client.history(conversation_id))
        page.addCallbacks(self._pried, lambda failure: failure.trap(NotFound))
        page.addErrback(self._not_sent, process)

    def _pried(self, page: Page) -> None:
        if page.events:
            self.world.failures.append(f"intruded: {self.name} reads {page.events[0].stream_id} up to {page.last_seq}")

    def _not_sent(self, failure: Failure, process: SimulatedProcess) -> None:
        if not process.dead and not failure.check(Stopped):
            self.world.fault(process, failure)

    def _refused(self, failure: Failure, process: SimulatedProcess, entry: OutboxEntry) -> None:
        if process.dead or failure.check(Stopped):
            return
        code = getattr(failure.value, "code", failure.type.__name__)
        self.world.trace.note(self.name, "refused: %s %s", entry.client_id.hex()[:8], code)
        self.world.recorder.failed(self, entry, code)
        # Nobody here says anything that may be refused for good, but for what has its own function above.
        self.world.failures.append(f"{self.name} was refused for good: {entry.client_id.hex()[:8]}, {code}")

    # --- what the client tells

    def _asked(self, change: Change) -> None:
        for entry in change.added:
            self._last_added = entry
            text = pb.Content.FromString(entry.content).text.text
            self.world.trace.note(self.name, "says %s %.40s", entry.client_id.hex()[:8], text)
            if not text.endswith(OTHERWISE):
                self.world.recorder.attempted(self, entry, text)

    def _acknowledged(self, process: SimulatedProcess, entry: OutboxEntry, accepted: Accepted) -> None:
        if not process.dead:
            self.world.trace.note(self.name, "acknowledged %s as %d", entry.client_id.hex()[:8], accepted.seq)
            self.world.recorder.acknowledged(self, entry, accepted)

    async def _handle(self, turn: Turn) -> None:
        event = turn.event
        self._tentative[event.stream_id].append((event, self.world.trace.time))
        if self.person.bot and not turn.own and isinstance(event.content, Text) and event.content.text.endswith("?"):
            turn.reply(event.stream_id, Text(f"{self.person.name} answers: {event.content.text[:-1]}"))

    def _written(self, change: Change) -> None:
        """What is saved as handled is what the application has shown, for good."""
        for stream_id, seq in (*change.positions.items(), *change.set_back.items()):
            waiting = self._tentative[stream_id]
            while waiting and waiting[0][0].seq <= seq:
                event, at = waiting.pop(0)
                self.world.trace.note(self.name, "shows %d/%d", event.stream_id, event.seq)
                self.world.recorder.shown(self, event, at)
        if change.set_back:
            self.world.trace.note(self.name, "set back: %s", dict(change.set_back))
