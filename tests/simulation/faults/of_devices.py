"""Faults of people's devices: killed with what they were just writing saved or not, frozen, with wrong clocks."""

from __future__ import annotations

from imchat.domain.errors import NotFound
from tests.simulation.application import OTHERWISE
from tests.simulation.clients import Device
from tests.simulation.faults.kinds import Faults, kind


class DeviceFaults(Faults):
    """Faults of devices."""

    def _kill(self, device: Device, why: str, silently: bool = False) -> None:
        if device.up:
            self.hit(why, device.name)
            unsaved = device.unsaved
            device.kill(why, silently)
            if unsaved:
                kept = "kept" if device.unsaved < unsaved else "lost"
                self.hit(f"device killed: what it was writing is {kept}", device.name)
            self.after(self.between(0.5, 10), device.switch_on)

    @kind("device killed", 3)
    def killed(self) -> bool:
        device = self.a_device()
        if device is not None:
            self._kill(device, "device killed")
        return device is not None

    @kind("device killed while it writes", 4)
    def killed_at_step(self) -> bool:
        device = self.a_device()
        if device is None or device.process is None:
            return False
        process = device.process
        left = self.random.randint(1, 6)

        def count() -> None:
            nonlocal left
            if device.unsaved:
                left -= 1
                if left <= 0:
                    process.before_step = None
                    self._kill(device, "device killed while it writes")

        process.before_step = count
        return True

    @kind("device's machine lost")
    def machine_lost(self) -> bool:
        device = self.a_device()
        if device is not None:
            self._kill(device, "device's machine lost", silently=True)
        return device is not None

    @kind("device frozen", 3)
    def frozen(self) -> bool:
        device = self.a_device()
        if device is None or device.process is None:
            return False
        self.hit("device frozen", device.name)
        device.process.freeze()
        self.after(self.random.choice((1, 8, 40)), device.process.thaw)
        return True

    @kind("clock of a device set")
    def clock_set(self) -> bool:
        device = self.a_device()
        if device is None or device.process is None:
            return False
        self.hit("clock of a device set", device.name)
        device.process.set_clock(device.process.offset + self.random.choice((600.0, 40.0, -5.0, -20.0)))
        return True

    def heal(self) -> None:
        """Let all devices run."""
        for device in self.world.devices():
            if device.process is not None:
                device.process.before_step = None
                device.process.thaw()
            self.after(self.random.random() * 3, device.switch_on)

    @kind("stranger at the door", 3)
    def stranger(self) -> bool:
        """A program made for it writes into a conversation of others, and reads there."""
        device = self.a_device()
        rows = self.world.database.inspect()["member"]
        if device is None:
            return False
        known = {row["conversation_id"] for row in rows if row["user_id"] == device.person.user_id}
        foreign = sorted({row["conversation_id"] for row in rows} - known)
        if not foreign:
            return False
        self.hit("stranger at the door", device.name)
        conversation_id = self.random.choice(foreign)
        device.pry(conversation_id)
        device.say_otherwise(conversation_id, self.random.randbytes(16), f"a stranger's words{OTHERWISE}", NotFound)
        return True
