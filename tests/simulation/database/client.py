"""A process at the client's end of the connections: where its interactions run, and where answers arrive."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from greenlet import GreenletExit, greenlet

if TYPE_CHECKING:
    from tests.simulation.database.server import SimulatedDatabase


class Process(Protocol):
    """What a process of the simulation is to its database connections."""

    name: str

    def seconds(self) -> float:
        """Its own time."""

    def callLater(self, delay: float, callable: Callable[..., object], *args: Any, **kw: Any) -> Any:
        """Its own timers."""

    def enter(self, function: Callable[..., object], *args: Any) -> None:
        """Something arrives: run a step of it, unless it is dead or frozen."""


class Task(greenlet):
    """One interaction, where adbapi has a thread; it waits for the server by switching to its parent, the reactor.

    Args:
        run: Called with the task.
        done: Called in the reactor with what ``run`` returned.

    Attributes:
        kind: What the transaction does, as the runner calls it.
    """

    def __init__(self, run: Callable[["Task"], object], done: Callable[["Task", Any], None]) -> None:
        super().__init__(run)
        self.done = done
        self.kind = ""


class Client:
    """One run of one process, from its start to its crash.

    Args:
        server: The database.
        process: The process.

    Attributes:
        name: Of the process.
        process: The process.
        server: The database.
        dead: It crashed: nothing of it runs again.
    """

    def __init__(self, server: "SimulatedDatabase", process: Process) -> None:
        self.name = process.name
        self.process = process
        self.server = server
        self.dead = False
        self._frozen = False
        self._held: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        self._tasks: dict[Task, None] = {}

    def answer(self, deliver: Callable[..., object], *arguments: object) -> None:
        """An answer is on its way to this process; how its own clock is set does not matter to that."""
        if not self.dead:
            self.server.clock.callLater(self.server.latency(), self.process.enter, self._arrive, deliver, arguments)

    def answer_at_once(self, deliver: Callable[..., object], *arguments: object) -> None:
        """The same for what the process tells itself."""
        self.server.clock.callLater(0, self.process.enter, self._arrive, deliver, arguments)

    def _arrive(self, deliver: Callable[..., object], arguments: tuple[object, ...]) -> None:
        if self._frozen:
            self._held.append((deliver, arguments))
        elif not self.dead:
            deliver(*arguments)

    def begin(self, task: Task) -> None:
        """Run a task up to its first wait."""
        self._tasks[task] = None
        self.resume(task, task)

    def resume(self, task: Task, outcome: object) -> None:
        """Run a task from one wait to the next."""
        result = task.switch(outcome)
        if task.dead:
            self._tasks.pop(task, None)
            task.done(task, result)

    def crash(self) -> None:
        """End all that runs."""
        self.dead = True
        self._held.clear()
        tasks, self._tasks = self._tasks, {}
        for task in tasks:
            task.throw(GreenletExit)

    def freeze(self) -> None:
        """Keep answers until :meth:`thaw`."""
        self._frozen = True

    def thaw(self) -> None:
        """Deliver what was kept."""
        self._frozen = False
        held, self._held = self._held, []
        for deliver, arguments in held:
            self.server.clock.callLater(0, self.process.enter, self._arrive, deliver, arguments)
