"""How people get accounts, and end their sessions from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred

from imchat.client import Unreachable
from imchat.client.gate import Gate, HttpApi
from imchat.domain.errors import IMError, NameTaken
from imchat.net.background import sleep
from tests.simulation.application import Person
from tests.simulation.clients import Device
from tests.simulation.http import simulated_http
from tests.simulation.process import SimulatedProcess

if TYPE_CHECKING:
    from tests.simulation.world import World


class Accounts:
    """Accounts and sessions of all people of a world.

    Args:
        world: Theirs.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.random: Random = world.randoms("people")

    def _in_process(self, name: str, host: str, work: Callable, *args, after: float = 0.0) -> None:
        process = SimulatedProcess(self.world.network, name, host)
        process.callLater(after + 1 + self.random.random(), self._begin, process, work, args)

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
