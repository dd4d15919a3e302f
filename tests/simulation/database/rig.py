"""What tests of the database share: a clock that jumps from event to event, and processes on it."""

from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from imchat.store.sql.runner import RunnerSettings
from tests.contract.stores import allow
from tests.simulation.database.server import SimulatedDatabase

STREAMS = (11, 12, 13, 14)
ONCE = RunnerSettings(tries=1)
LOCK = "SELECT last_seq FROM head WHERE stream_id = ? FOR UPDATE"
ADD = "UPDATE head SET last_seq = last_seq + ? WHERE stream_id = ?"


class JumpingClock(Clock):
    """A clock on which nothing is waited for."""

    def jump(self) -> bool:
        """Go to the next event and do it; whether there was one."""
        calls = self.getDelayedCalls()
        if not calls:
            return False
        self.advance(max(0.0, min(call.getTime() for call in calls) - self.seconds()))
        return True

    def run(self, seconds: float) -> None:
        """Do all that happens within so many seconds."""
        ended = []
        self.callLater(seconds, ended.append, None)
        while not ended:
            self.jump()

    def until(self, deferred: Deferred) -> None:
        """Do what happens until a deferred has fired."""
        while not deferred.called:
            if not self.jump():
                raise AssertionError("nothing will ever happen any more")


class FakeProcess:
    """A process with a clock of its own, which is wrong by ``offset`` seconds."""

    def __init__(self, name: str, clock: Clock, offset: float = 0.0) -> None:
        self.name = name
        self.offset = offset
        self.dead = False
        self._clock = clock

    def seconds(self) -> float:
        return self._clock.seconds() + self.offset

    def callLater(self, delay, callable, *args, **kw):
        return self._clock.callLater(delay, self._call, callable, args, kw)

    def _call(self, callable, args, kw):
        if not self.dead:
            callable(*args, **kw)

    def enter(self, function, *args):
        self._call(function, args, {})


class DatabaseCase:
    """Mixed with ``SynchronousTestCase``: a database with four streams, and two nodes."""

    def setUp(self):
        self.clock = JumpingClock()
        self.clock.advance(1_800_000_000)
        self.server = SimulatedDatabase(self.clock, Random(7))
        self.processes = []
        self.one = self.connect("one")
        self.two = self.connect("two")
        self.finish(self.one.writer.run("arrange", self.arrange))
        self.server.hits.clear()

    @staticmethod
    def arrange(tx):
        tx.execute_many("INSERT INTO head VALUES (?, 0, 0, 0, 0, 0)", [(stream_id,) for stream_id in STREAMS])

    def connect(self, name, **more):
        self.processes.append(FakeProcess(name, self.clock))
        return self.server.connect(self.processes[-1], **more)

    def crash(self, name, silently=False):
        for process in self.processes:
            process.dead = process.dead or process.name == name
        self.server.crash(name, silently)

    def start(self, coroutine) -> Deferred:
        return Deferred.fromCoroutine(coroutine)

    def wait(self, deferred):
        """The result of a deferred, once the clock has run for it."""
        self.clock.until(deferred)
        return self.successResultOf(deferred)

    def finish(self, coroutine):
        return self.wait(self.start(coroutine))

    def fails(self, deferred, *errors):
        self.clock.until(deferred)
        return self.failureResultOf(deferred, *errors).value

    def flush(self, database, *drafts) -> Deferred:
        return self.start(database.streams.flush(drafts, allow))

    def flush_until_stored(self, database, one):
        """A flush of one draft, again and again while another transaction keeps its stream."""
        while (result := self.wait(self.flush(database, one))).kept:
            self.clock.run(0.1)
        return result

    def seqs(self, result):
        return [(outcome.event.seq, outcome.resent) for outcome in result.outcomes]

    def stored(self, stream_id=11):
        """The numbers of a stream's events that are committed."""
        return [row["seq"] for row in self.server.inspect()["event"] if row["stream_id"] == stream_id]

    def head(self, stream_id=11):
        [row] = [row for row in self.server.inspect()["head"] if row["stream_id"] == stream_id]
        return row

    def hits(self, name):
        return self.server.hits[name]
