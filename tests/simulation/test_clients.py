"""A device does what its owner wants, whatever its client was doing."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.client.state import SavedSession
from tests.simulation.clients import Device
from tests.simulation.conditions import conditions
from tests.simulation.world import World


class LingeringClient:
    """A client that ends when it is told to: the other side of its connection takes its time."""

    def __init__(self, made):
        made.append(self)
        self._engine = self
        self.outbox = self
        self._acknowledged = None
        self.stopped = Deferred()

    def start(self, credentials, session):
        return Deferred()

    def when_closed(self):
        return Deferred()

    def stop(self):
        return self.stopped


class DeviceTests(SynchronousTestCase):
    def setUp(self):
        self.world = World(1, conditions(1))
        self.addCleanup(self.world.close)
        self.made = []
        self.world.build_client = lambda *_: LingeringClient(self.made)
        person = self.world.people[0]
        self.device = Device(self.world, person, "device", "10.1.0.1")
        person.devices.append(self.device)
        self.device.disk.saved.session = SavedSession(self.world.gate_url, 1, person.name, "token", "id", person.name)
        self.device.switch_on()
        self.world.run(1)

    def end_client(self):
        with self.world.network.stepping(self.device.process):
            self.made[-1].stopped.callback(None)
        self.world.run(1)

    def test_switched_off_it_is_off_once_its_client_has_ended(self):
        self.device.switch_off()
        self.world.run(1)
        self.assertTrue(self.device.up)
        self.end_client()
        self.assertEqual((self.device.up, len(self.made)), (False, 1))

    def test_switched_on_while_its_client_ends_it_starts_anew_when_that_has_ended(self):
        self.device.switch_off()
        self.device.switch_on()
        self.world.run(1)
        self.assertEqual(len(self.made), 1)
        self.end_client()
        self.assertEqual((self.device.up, len(self.made)), (True, 2))

    def test_killed_while_its_client_ends_it_stays_off_until_it_is_switched_on(self):
        self.device.switch_off()
        self.device.switch_on()
        self.device.kill("a test")
        self.end_client()
        self.assertEqual((self.device.up, len(self.made)), (False, 1))
        self.device.switch_on()
        self.assertEqual((self.device.up, len(self.made)), (True, 2))
