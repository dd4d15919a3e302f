"""Where the metrics of a server and of its workers are served, and what is refused before the start."""

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from imchat.assemble import metrics
from imchat.config import ConfigError, load
from imchat.startup import StartupError


def config(text):
    return load(None, [f"server.metrics={text}"], {})


class EndpointTests(SynchronousTestCase):
    def test_off_unless_it_is_configured(self):
        self.assertEqual(metrics.ports(load(None, [], {}), 4), [])
        self.assertEqual(metrics.Watch(load(None, [], {}), Clock(), "chat", "a").listeners, ())

    def test_each_worker_has_a_port_of_its_own(self):
        given = config("tcp:9100:interface=127.0.0.1")
        self.assertEqual(
            metrics.ports(given, 3),
            [
                (f"tcp:{text}", "server.metrics")
                for text in ("9100:interface=127.0.0.1", "9101:interface=127.0.0.1", "9102:interface=127.0.0.1")
            ],
        )
        (listener,) = metrics.Watch(given, Clock(), "chat", "a.3", 3).listeners
        self.assertEqual(listener.endpoint, "tcp:9102:interface=127.0.0.1")
        self.assertEqual(metrics.endpoint(config(r"tcp6:port=9100:interface=\:\:1"), 2), r"tcp6:9101:interface=\:\:1")
        self.assertEqual(metrics.endpoint(config("tcp:9100"), 2), "tcp:9101")

    def test_one_process_may_use_any_kind_and_workers_may_not(self):
        given = config("unix:/run/metrics.sock")
        self.assertEqual(metrics.endpoint(given), "unix:/run/metrics.sock")
        for text in ("unix:/run/metrics.sock", "tcp:0", "tcp:65535"):
            error = self.assertRaises(StartupError, metrics.ports, config(text), 2)
            self.assertIn("server.metrics", str(error))

    def test_no_endpoint_at_all_is_refused_with_the_configuration(self):
        error = self.assertRaises(ConfigError, config, "9100")
        self.assertIn("server.metrics", str(error))
