"""Standard input, read in a thread."""

import os
import queue

from twisted.trial.unittest import SynchronousTestCase

from imchat.cli.exits import Code, Exit
from imchat.cli.world import InputLines


class Handover:
    """Stands in for the reactor: what the thread hands over is done when the test asks for it."""

    def __init__(self) -> None:
        self._calls: queue.Queue = queue.Queue()

    def callFromThread(self, function, *arguments):
        self._calls.put((function, arguments))

    def one(self):
        function, arguments = self._calls.get(timeout=30)
        function(*arguments)


class Reading(SynchronousTestCase):
    def setUp(self):
        self.reactor = Handover()
        reading, self.writing = os.pipe()
        self.addCleanup(os.close, reading)
        self.lines = InputLines(self.reactor, reading)

    def write(self, data):
        os.write(self.writing, data)
        os.close(self.writing)

    def next(self):
        deferred = self.lines.next()
        self.reactor.one()
        return deferred

    def test_lines_and_what_has_no_end(self):
        self.write("é\r\n\nlast".encode())
        self.assertEqual([self.successResultOf(self.next()) for _ in range(4)], ["é", "", "last", None])

    def test_what_is_no_text_is_told_by_its_line_after_those_before_it(self):
        for data in (b"a\nb\n\xff\nc\n", b"a\nb\n\xff"):
            with self.subTest(data):
                self.setUp()
                self.write(data)
                self.assertEqual([self.successResultOf(self.next()) for _ in range(2)], ["a", "b"])
                error = self.failureResultOf(self.next(), Exit).value
                self.assertEqual(error.code, Code.USAGE)
                self.assertIn("line 3 ", error.message)
