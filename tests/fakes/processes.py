"""A reactor that starts no processes but remembers which ones it was asked for, on a clock that tests turn."""

import errno
import signal

from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure


class FakeProcess:
    """One process that a test lets speak and die. Also its own transport."""

    def __init__(self, protocol, command):
        self.protocol = protocol
        self.command = command
        self.signals = []
        self.alive = True
        self.obeys = True

    def signalProcess(self, number):
        self.signals.append(signal.Signals(number))
        if number == signal.SIGKILL or self.obeys:
            self.die(signal_number=number)

    def die(self, code=None, signal_number=None):
        if self.alive:
            self.alive = False
            reason = ProcessDone(0) if code == 0 else ProcessTerminated(code, signal_number, None)
            self.protocol.processEnded(Failure(reason))

    def say(self, descriptor, data):
        self.protocol.childDataReceived(descriptor, data)


class ProcessReactor(Clock):
    """A clock that "starts" processes, unless the machine is ``full``."""

    def __init__(self):
        super().__init__()
        self.processes = []
        self.full = False

    def spawnProcess(self, protocol, executable, args, env=None, childFDs=None):
        if self.full:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        process = FakeProcess(protocol, args)
        protocol.makeConnection(process)
        self.processes.append(process)
        return process

    def callWhenRunning(self, function, *arguments):
        function(*arguments)

    @property
    def living(self):
        return [process for process in self.processes if process.alive]
