"""What every ``imchat.ports.Health`` keeps to."""

from imchat.domain.errors import Unavailable
from imchat.ports import Health
from tests.contract.stores import StoreContract


class HealthContract:
    """Mixed into a ``TestCase`` that gives the backend."""

    async def make_health(self) -> Health:
        """One whose dependency serves."""
        raise NotImplementedError

    async def end(self) -> None:
        """From now on the dependency cannot be reached any more."""
        raise NotImplementedError

    async def test_one_that_serves(self):
        health = await self.make_health()
        self.assertIsNone(await health.ping())
        self.assertIsNone(await health.ping())

    async def test_one_that_does_not_says_so_to_the_operator(self):
        health = await self.make_health()
        await health.ping()
        await self.end()
        for _ in range(2):
            with self.assertRaises(Unavailable) as caught:
                await health.ping()
            self.assertTrue(str(caught.exception))


class StoresHealthContract(HealthContract, StoreContract):
    """Of a database; mixed with a backend that has ``make_stores``."""

    async def make_health(self):
        return self.stores.health

    async def end(self):
        await self.stores.close()
