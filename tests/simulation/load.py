"""What people do: they get accounts, switch their devices on and off, lose them, and talk."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from imchat.client import Unreachable
from imchat.client.gate import Gate, HttpApi
from imchat.domain.errors import IMError, NameTaken
from imchat.net.background import sleep
from tests.simulation.clients import OTHERWISE, Device, Person
from tests.simulation.disk import Disk
from tests.simulation.http import simulated_http
from tests.simulation.process import SimulatedProcess
from tests.simulation.recorder import Told

if TYPE_CHECKING:
    from tests.simulation.world import World

BURSTS = (1, 1, 1, 2, 2, 3, 4, 6, 10, 25)
LONG_TEXT = "长" * 2_500


class People:
    """All people of a world, and what they do.

    Args:
        world: Theirs.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.random: Random = world.randoms("people")
        self.pairs: list[tuple[Person, Person]] = []
        self.said = 0
        self._devices = 0
        self._used: dict[bytes, str] = {}
        self._end = 0.0

    # --- accounts

    def move_in(self) -> None:
        """Get accounts, and then devices."""
        world, people = self.world, self.world.people
        by_mail = people[: world.conditions.registered]
        others = people[world.conditions.registered :]
        for person in self.random.sample(people, world.conditions.bots):
            person.bot = True
        self._in_process("operator", "10.0.3.1", self._create, others)
        for number, person in enumerate(by_mail):
            self._in_process(f"{person.name}/new", f"10.0.3.{number + 2}", self._register, person)
        self._make_pairs()

    def _in_process(self, name: str, host: str, work: Callable, *args) -> None:
        process = SimulatedProcess(self.world.network, name, host)
        process.callLater(1 + self.random.random(), self._begin, process, work, args)

    def _begin(self, process: SimulatedProcess, work: Callable, args: tuple) -> None:
        done = Deferred.fromCoroutine(work(process, *args))
        done.addErrback(lambda failure: self.world.fault(process, failure))
        done.addBoth(lambda _: process.crash())

    async def _create(self, process: SimulatedProcess, people: list[Person]) -> None:
        api = HttpApi(self.world.admin_url, simulated_http(process), process)
        for person in people:
            body = {"name": person.name, "email": person.email, "password": person.password}
            answer = await self._insist(process, lambda body=body: api.call("POST", "/v1/admin/users", body))
            self._has_account(person, int(answer["user_id"]))

    async def _insist(self, process: SimulatedProcess, call: Callable):
        while True:
            try:
                return await call()
            except (Unreachable, IMError) as error:
                self.world.trace.note(process.name, "not yet: %s", error)
                await sleep(process, 1 + self.random.random())

    async def _register(self, process: SimulatedProcess, person: Person) -> None:
        gate = Gate(self.world.gate_url, simulated_http(process), process)
        while not person.user_id:
            try:
                code = await self._code(process, gate, "registration", person)
                user_id, _ = await gate.register(person.name, person.email, person.password, code)
                self.world.trace.hit("registered by mail")
                self._has_account(person, user_id)
            except NameTaken:
                # An answer was lost: the account is there.
                self._has_account(person, self.world.user_id_of(person))
            except (Unreachable, IMError) as error:
                self.world.trace.note(process.name, "cannot register: %s", error)
                await sleep(process, self._patience(error))

    async def _code(self, process: SimulatedProcess, gate: Gate, purpose: str, person: Person) -> str:
        self.world.mails.pop(person.email, None)
        await gate.request_code(purpose, person.email)
        for _ in range(10):
            code = self.world.code_for(person)
            if code is not None:
                return code
            await sleep(process, 0.5)
        return "000000"

    def _patience(self, error: Exception) -> float:
        return max(1.0, (getattr(error, "retry_after_ms", None) or 0) / 1000) + self.random.random()

    def _has_account(self, person: Person, user_id: int) -> None:
        person.user_id = user_id
        self.world.trace.note(person.name, "has the account %d", user_id)
        for device in person.devices:
            self.world.timeline.after(self.random.random() * 2, device.switch_on)

    def _make_pairs(self) -> None:
        people = self.world.people
        for number, person in enumerate(people):
            self.pairs.append((person, people[(number + 1) % len(people)]))
        while len(self.pairs) < self.world.conditions.pairs:
            one, other = self.random.sample(people, 2)
            if (one, other) not in self.pairs and (other, one) not in self.pairs:
                self.pairs.append((one, other))
        for person in people:
            self.new_device(person)
        for _ in range(self.world.conditions.devices - len(people)):
            self.new_device(self.random.choice(people))

    def new_device(self, person: Person, **given) -> Device:
        """Somebody has one more device."""
        self._devices += 1
        number = len(person.devices) + 1
        host = f"10.1.{self._devices // 200}.{self._devices % 200 + 1}"
        device = Device(self.world, person, f"{person.name}/{number}", host, **given)
        person.devices.append(device)
        return device

    # --- talk

    def talk(self, until: float) -> None:
        """Talk until a time."""
        self._end = until
        world = self.world
        span, count = until - world.timeline.now, world.conditions.messages
        mean = sum(BURSTS) / len(BURSTS)
        for _ in range(int(count / mean)):
            world.timeline.after(self.random.random() * span, self._burst, self.random.choice(BURSTS))
        for deed, times in ((self._go_out, 12), (self._restart, 8), (self._say_again, 12), (self._say_otherwise, 3)):
            for _ in range(times):
                world.timeline.after(self.random.random() * span, deed)
        for deed in (self._lose_device, self._replace, self._log_out, self._reset_password, self._buy_device):
            if self.random.random() < 0.7:
                world.timeline.after(self.random.random() * span, deed)

    def _usable(self) -> list[Device]:
        return [device for device in self.world.devices() if device.usable]

    def _speaker(self) -> tuple[Device, Person] | None:
        for _ in range(20):
            pair = self.random.choice(self.pairs)
            one, other = pair if self.random.random() < 0.5 else (pair[1], pair[0])
            devices = [device for device in one.devices if device.usable]
            if devices and other.user_id:
                return self.random.choice(devices), other
        return None

    def _burst(self, count: int) -> None:
        speaker = self._speaker()
        if speaker is None:
            self._later(self._burst, count)
            return
        for _ in range(count):
            self.say(*speaker)
            if self.random.random() < 0.1:
                speaker = self._speaker() or speaker

    def _later(self, deed: Callable, *args) -> None:
        if self.world.timeline.now < self._end:
            self.world.timeline.after(0.5 + self.random.random(), deed, *args)

    def say(self, device: Device, peer: Person, long: bool = False) -> None:
        """Send the next message."""
        self.said += 1
        text = f"{self.said} from {device.name}"
        if long or self.random.random() < 0.01:
            text += LONG_TEXT
        elif self.random.random() < 0.15:
            text += "?"
        device.say(peer, text)

    def _acknowledged(self, use: str) -> Told | None:
        """A message that was acknowledged, to use its id again; each id is used for one purpose only."""
        known = [
            told
            for told in self.world.recorder.acknowledgements[-60:]
            if told.device.usable and self._used.get(told.client_id, use) == use and not told.device.person.bot
        ]
        if not known:
            return None
        told = self.random.choice(known)
        self._used[told.client_id] = use
        return told

    def _say_again(self) -> None:
        """A program that was set back to an older state sends what it had sent already."""
        told = self._acknowledged("again")
        if told is not None:
            self.world.trace.hit("resent after the acknowledgement")
            told.device.say_again(told.conversation_id, told.client_id, told.text)

    def _say_otherwise(self) -> None:
        """The same id with another text: an error that must be seen."""
        told = self._acknowledged("otherwise")
        if told is not None:
            told.device.say_otherwise(told.conversation_id, told.client_id, told.text + OTHERWISE)

    # --- devices

    def _go_out(self) -> None:
        usable = self._usable()
        if usable:
            device = self.random.choice(usable)
            self.world.trace.hit("device off for a while")
            device.switch_off()
            self.world.timeline.after(self.random.expovariate(1 / 8) + 0.5, device.switch_on)

    def _restart(self) -> None:
        usable = self._usable()
        if usable:
            device = self.random.choice(usable)
            device.switch_off()
            self.world.timeline.after(0.5, device.switch_on)

    def _buy_device(self) -> None:
        person = self.random.choice([person for person in self.world.people if person.user_id])
        self.world.trace.hit("new device")
        self.new_device(person).switch_on()

    def _lose_device(self) -> None:
        """A device breaks, with all that it had saved; another takes its place."""
        usable = self._usable()
        if usable:
            device = self.random.choice(usable)
            self.world.trace.hit("device lost with its state")
            device.give_up()
            self.new_device(device.person).switch_on()

    def _replace(self) -> None:
        """The same session on another machine: the older one is told and gives way."""
        usable = self._usable()
        if usable:
            device = self.random.choice(usable)
            copy = device.disk.copy()
            copy.positions.clear()
            copy.outbox.clear()
            self.world.trace.hit("session taken over")
            self.new_device(device.person, disk=Disk(copy)).switch_on()

    # --- sessions

    def _log_out(self) -> None:
        """Somebody ends a device's session from elsewhere; its owner logs in again."""
        usable = self._usable()
        if usable:
            device = self.random.choice(usable)
            self._in_process(f"{device.name}/out", device.host.replace("10.1.", "10.2."), self._end_session, device)

    async def _end_session(self, process: SimulatedProcess, device: Device) -> None:
        session = device.disk.saved.session
        gate = Gate(self.world.gate_url, simulated_http(process), process)
        if session is not None:
            self.world.trace.hit("logged out")
            try:
                await gate.logout(session.token)
            except (Unreachable, IMError) as error:
                self.world.trace.note(process.name, "cannot log out: %s", error)

    def _reset_password(self) -> None:
        people = [person for person in self.world.people if person.user_id and not person.resetting]
        if people:
            person = self.random.choice(people)
            person.resetting = True
            host = f"10.2.9.{person.number + 1}"
            self._in_process(f"{person.name}/reset", host, self._set_password, person)

    async def _set_password(self, process: SimulatedProcess, person: Person) -> None:
        gate = Gate(self.world.gate_url, simulated_http(process), process)
        password = f"{person.password}1"
        for _ in range(5):
            try:
                code = await self._code(process, gate, "password_reset", person)
                person.other_password = password  # If the answer gets lost it may be this one.
                await gate.reset_password(person.email, code, password)
                person.password, person.other_password = password, person.password
            except (Unreachable, IMError) as error:
                self.world.trace.note(process.name, "cannot set a password: %s", error)
                await sleep(process, self._patience(error))
            else:
                self.world.trace.hit("password reset")
                break
        person.resetting = False
