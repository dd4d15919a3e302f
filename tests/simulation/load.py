"""What people do: they get accounts, switch their devices on and off, lose them, and talk."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.simulation.accounts import Accounts
from tests.simulation.application import OTHERWISE, Person
from tests.simulation.clients import Device
from tests.simulation.disk import Disk
from tests.simulation.recorder import Told

if TYPE_CHECKING:
    from tests.simulation.world import World

LAST_MOVES_IN = 50.0
"""Seconds after which all have begun to get their accounts."""

BURSTS = (1, 1, 1, 2, 2, 3, 4, 6, 10, 25)
LONG_TEXT = "长" * 2_500


class People(Accounts):
    """All people of a world, and what they do.

    Args:
        world: Theirs.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.pairs: list[tuple[Person, Person]] = []
        self.said = 0
        self._devices = 0
        self._used: dict[bytes, str] = {}
        self._end = 0.0

    def move_in(self) -> None:
        """Get accounts, and then devices."""
        world, people = self.world, self.world.people
        by_mail = people[: world.conditions.registered]
        others = people[world.conditions.registered :]
        for person in self.random.sample(people, world.conditions.bots):
            person.bot = True
        self._in_process("operator", "10.0.3.1", self._create, others)
        for number, person in enumerate(by_mail):
            # Every other one when things go wrong already.
            after = self.random.uniform(10, LAST_MOVES_IN) if number % 2 else 0.0
            self._in_process(f"{person.name}/new", f"10.0.3.{number + 2}", self._register, person, after=after)
        self._make_pairs()

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
        people = [person for person in self.world.people if person.user_id]
        if people:
            self.world.trace.hit("new device")
            self.new_device(self.random.choice(people)).switch_on()

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
            other = self.new_device(device.person, disk=Disk(copy))
            device.taken_over = other.taken_over = True
            other.switch_on()
