"""The contracts of all SQL stores on the simulation's SQL server: what stands for MariaDB behaves as MariaDB does."""

from random import Random

from twisted.internet import reactor
from twisted.trial.unittest import TestCase

from tests.contract.test_sql import CONTRACTS
from tests.simulation.database import SimulatedDatabase


class TestClock:
    """The test's time, and timers that go off by themselves: the contracts do not know that anything takes time.

    Args:
        seconds: The test's time.
    """

    name = "test"

    def __init__(self, seconds):
        self.seconds = seconds
        self.callLater = reactor.callLater

    def enter(self, function, *args):
        function(*args)


class OnSimulation:
    """The dialect and the pools' leases of MariaDB over greenlets."""

    refused_by_driver = ()

    async def make_stores(self, lifetime_ms):
        clock = TestClock(self.clock.seconds)
        database = SimulatedDatabase(clock, Random(1))
        database.latency = lambda: 0.0  # A turn of the reactor.
        stores = database.connect(clock, lifetime_ms)
        self.addCleanup(stores.close)
        return stores


for contract in CONTRACTS:
    name = f"{contract.__name__.removesuffix('Contract')}OnSimulationTests"
    globals()[name] = type(name, (OnSimulation, contract, TestCase), {"__module__": __name__})
