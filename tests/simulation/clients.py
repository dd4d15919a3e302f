"""People's devices: the client library in a process of its own, what an application does with it, and what becomes of
both. Everything that a device learns is told to the history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.python.failure import Failure

from imchat.client import Accepted, Client, Credentials, Options, Outside, SavedSession, Status, Stopped
from imchat.client.gate import Gate
from imchat.client.network import node_connector
from imchat.client.state import OutboxEntry
from imchat.domain.errors import BadCredentials, IMError, SessionEnded, SessionReplaced, Unauthenticated
from tests.fakes.ids import SeededIds
from tests.simulation.application import Application, Person
from tests.simulation.disk import Disk, DiskState
from tests.simulation.http import simulated_http
from tests.simulation.process import SimulatedProcess

if TYPE_CHECKING:
    from tests.simulation.world import World

_LOGGED_OUT = (SessionEnded, Unauthenticated)


class Device(Application):
    """A device of a user.

    Args:
        world: Where it is.
        person: Whose.
        name: Its name in the trace and in the history: of one disk, from its first use to its loss.
        host: Its address.
        session: A session to begin with instead of logging in.
        disk: What it has saved.

    Attributes:
        wanted: Whether its owner has it switched on.
        over: It is not used any more.
        taken_over: Another has its session too.
        live: Its client says that it is connected.
    """

    def __init__(
        self,
        world: World,
        person: Person,
        name: str,
        host: str,
        session: SavedSession | None = None,
        disk: Disk | None = None,
    ) -> None:
        super().__init__(world, person, name)
        self.host = host
        self.disk = disk or Disk()
        self.wanted = False
        self.over = False
        self.taken_over = False
        self.live = False
        self.runs = 0
        self._session = session
        self._state: DiskState

    def __repr__(self) -> str:
        return f"<device {self.name}>"

    @property
    def up(self) -> bool:
        """Whether a client runs on it."""
        return self.process is not None and not self.process.dead

    @property
    def usable(self) -> bool:
        """Whether its application can be used now."""
        return self.up and self.process is not None and not self.process.frozen and self.disk.saved.session is not None

    @property
    def session(self) -> SavedSession | None:
        """Its session, as the disk knows."""
        return self.disk.saved.session

    @property
    def unsaved(self) -> int:
        """How many changes its client has asked to be saved that are not."""
        return self._state.unsaved if self.runs else 0

    @property
    def shown(self) -> dict[int, int]:
        """Up to where each stream was shown, as far as the disk knows."""
        return self.disk.saved.positions

    # --- on and off

    def switch_on(self) -> None:
        """Start the client."""
        self.wanted = not self.over
        if self.up or self.over:
            return
        self.runs += 1
        world = self.world
        world.network.find(self.host)
        offset = world.client_clock_offset(self)
        self.process = process = SimulatedProcess(world.network, self.name, self.host, offset)
        self._tentative.clear()
        self.asking = 0
        ids = SeededIds(f"{world.seed} {self.name} {self.runs}")
        self._state = DiskState(self.disk, process, world.randoms("disks"), self._asked, self._written)
        gate = Gate(world.gate_url, simulated_http(process), process)
        outside = Outside(gate, node_connector(process), process, ids, self._state)
        options = Options(device_name=self.name, platform="simulation", on_status=self._status)
        world.trace.note(self.name, "on")
        self.client = client = world.build_client(self, outside, self._handle, options)
        outbox = client._engine.outbox
        told = outbox._acknowledged

        def acknowledged(entry: OutboxEntry, accepted: Accepted) -> None:
            self._acknowledged(process, entry, accepted)
            told(entry, accepted)

        outbox._acknowledged = acknowledged
        process.callLater(0, self._start, process, client)

    def _start(self, process: SimulatedProcess, client: Client) -> None:
        person = self.person
        session, self._session = self._session, None
        started = client.start(Credentials(person.name, person.password), session)
        client.when_closed().addCallbacks(lambda _: None, lambda failure: self._closed(process, failure))
        started.addErrback(lambda failure: self._not_started(process, failure))

    def switch_off(self) -> None:
        """End the client in order, then its process."""
        self.wanted = False
        process = self.process
        if not self.usable or process is None:
            self.kill("switched off")
            return
        self.world.trace.note(self.name, "off")
        with self.world.network.stepping(process):
            self.client.stop().addBoth(lambda _: self._stopped(process))

    def _stopped(self, process: SimulatedProcess) -> None:
        if process.dead:
            return
        self._end(process)
        if self.wanted:  # again: its owner did not wait until it had ended
            self.switch_on()

    def kill(self, why: str, silently: bool = False) -> None:
        """End its process at once; the disk stays."""
        if self.up and self.process is not None:
            self.world.trace.note(self.name, "killed: %s", why)
            if silently:
                self.world.network.lose(self.host)
            self._end(self.process, silently)

    def _end(self, process: SimulatedProcess, silently: bool = False) -> None:
        if not process.dead:
            process.crash(silently)
            self.live = False
            self._state.crashed()
            self._tentative.clear()

    def give_up(self) -> None:
        """Nobody uses it any more."""
        self.kill("given up")
        self.over, self.wanted = True, False

    def _not_started(self, process: SimulatedProcess, failure: Failure) -> None:
        if process.dead or failure.check(Stopped):
            return
        self.world.trace.note(self.name, "cannot log in: %s", failure.getErrorMessage())
        self._try_other_password(failure)
        if not failure.check(IMError):
            self.world.fault(process, failure)
        self._restart(process)

    def _closed(self, process: SimulatedProcess, failure: Failure) -> None:
        if process.dead:
            return
        self.world.trace.note(self.name, "the client ended: %s", failure.getErrorMessage())
        if failure.check(SessionReplaced):
            self.world.trace.hit("session replaced")
            if not self.taken_over:
                self.world.failures.append(f"{self.name} was told that it is replaced, and nobody did so")
            self._end(process)
            self.over, self.wanted = True, False
        elif failure.check(*_LOGGED_OUT):
            self._try_other_password(failure)
            self.world.trace.hit("session ended")
            self._restart(process)
        else:
            self.world.fault(process, failure)

    def _try_other_password(self, failure: Failure) -> None:
        person = self.person
        if failure.check(BadCredentials) and person.other_password:
            person.password, person.other_password = person.other_password, person.password

    def _restart(self, process: SimulatedProcess) -> None:
        """The owner sees it and logs in again."""
        self._end(process)
        self.disk.saved.session = None if self.disk.saved.session is None else self._without_token()
        self.world.timeline.after(1 + self.world.randoms("people").random() * 3, self._again)

    def _without_token(self) -> SavedSession:
        old = self.disk.saved.session
        assert old is not None
        # Another login name is what makes the client log in anew; the account and the device stay the same.
        return SavedSession(old.server, old.user_id, old.name, "", old.device_id, "")

    def _again(self) -> None:
        if self.wanted and not self.over:
            self.switch_on()

    def _status(self, status: Status, detail: str) -> None:
        self.live = status is Status.LIVE
        self.world.trace.note(self.name, "%s: %s", status.value, detail)
