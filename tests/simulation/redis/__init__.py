"""What stands for a Redis server in the simulation: it speaks Redis' protocol, so that all of imchat's own code for
Redis runs as it is, and knows the commands and scripts that imchat uses.

- :mod:`~tests.simulation.redis.server`: the server, and one run of it.
- :mod:`~tests.simulation.redis.connection`: one connection to it.
- :mod:`~tests.simulation.redis.commands`, :mod:`~tests.simulation.redis.scripts`: what it can do.
- :mod:`~tests.simulation.redis.keys`: what it keeps.
- :mod:`~tests.simulation.redis.replies`: what it says.

``tests.contract.test_redis_alike`` holds that it answers as the real one does.
"""

from tests.simulation.redis.server import SimulatedRedis

__all__ = ["SimulatedRedis"]
