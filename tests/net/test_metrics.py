"""The metrics of a process as Prometheus reads them."""

from prometheus_client.parser import text_string_to_metric_families
from twisted.internet.address import IPv4Address
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.histogram import Histogram
from imchat.net.metrics import Metrics, MetricsSite, counter, gauge, histogram


def values(text: str) -> dict[tuple, float]:
    """Samples by name and labels."""
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class MetricsCase(SynchronousTestCase):
    def setUp(self):
        self.metrics = Metrics()

    def values(self):
        return values(self.metrics.text()[0].decode())


class FamilyTests(MetricsCase):
    def test_each_kind_is_read_as_it_is_when_it_is_asked_for(self):
        waits = Histogram((0.1, 1.0))
        state = {"load": 0}
        self.metrics.add(
            lambda: [
                gauge("test_load", "Load.", [({"of": "a"}, state["load"]), ({"of": 'b\n"}'}, -1.5)]),
                counter("test_done", "Done.", [({}, 7)]),
                histogram("test_wait_seconds", "Waits.", [({"pool": "p"}, waits)]),
            ]
        )
        state["load"] = 3
        for seconds in (0.05, 0.1, 0.5, 7):
            waits.observe(seconds)
        seen = self.values()
        self.assertEqual(seen["test_load", ("of", "a")], 3)
        self.assertEqual(seen["test_load", ("of", 'b\n"}')], -1.5)
        self.assertEqual(seen["test_done_total",], 7)
        pool = ("pool", "p")
        buckets = [seen["test_wait_seconds_bucket", ("le", le), pool] for le in ("0.1", "1", "+Inf")]
        self.assertEqual(buckets, [2, 3, 4])
        self.assertEqual(seen["test_wait_seconds_count", pool], 4)
        self.assertAlmostEqual(seen["test_wait_seconds_sum", pool], 7.65)

    def test_the_process_itself_is_among_them(self):
        self.assertGreater(self.values()["process_resident_memory_bytes",], 1_000_000)

    def test_a_fault_in_one_source_is_logged_and_hides_no_other(self):
        self.metrics.add(lambda: [gauge("test_one", "One.", [({}, 1)]), 1 / 0])
        self.metrics.add(lambda: [gauge("test_two", "Two.", [({}, 2)])])
        seen = self.values()
        self.assertEqual(seen["test_two",], 2)
        self.assertNotIn(("test_one",), seen)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_what_is_not_there_yet_is_no_error(self):
        self.metrics.add(lambda: [gauge("test_none", "None.", []), histogram("test_no_times", "None.", [])])
        self.assertFalse([key for key in self.values() if key[0].startswith("test_")])


class SiteTests(MetricsCase):
    def ask(self, *requests: bytes) -> bytes:
        site = MetricsSite(self.metrics, Clock())
        site.doStart()
        self.addCleanup(site.doStop)
        channel = site.buildProtocol(IPv4Address("TCP", "127.0.0.1", 5_000))
        transport = StringTransport()
        channel.makeConnection(transport)
        for request in requests:
            channel.dataReceived(request)
        return transport.value()

    def test_it_is_served_with_the_type_that_the_reader_asks_for(self):
        answer = self.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK"), answer)
        self.assertIn(b"text/plain", answer)
        self.assertIn(b"process_cpu_seconds_total", answer)
        asked = b"GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: application/openmetrics-text\r\n\r\n"
        self.assertIn(b"application/openmetrics-text", self.ask(asked))

    def test_anything_else_is_refused_and_nothing_is_kept_of_it(self):
        self.assertIn(b" 404 ", self.ask(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
        post = b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabcdefghi"
        self.assertIn(b" 405 ", self.ask(post))
