"""The SQL server of the simulation: MariaDB's transactions and row locks over one SQLite in memory.

The code of a chat node down to the driver's connection is the real one: stores, runner, attempt, the dialect of MySQL
and the lease of its pool. Below that stand, from the caller downwards:

- :mod:`.pool` runs each interaction in a greenlet in place of a thread, so that it can wait in the middle of a
  statement while the simulated time goes on;
- :mod:`.connection` is the driver's connection and cursor: a request takes time to arrive, the answer too;
- :mod:`.session` is the server's side of a connection: transactions, lock waits, time-outs;
- :mod:`.locks` knows who has which row locked and who waits for it;
- :mod:`.storage` is the data: what a transaction wrote is seen by itself alone until its commit.
"""

from tests.simulation.database.faults import Injected, delayed
from tests.simulation.database.server import SimulatedDatabase

__all__ = ["Injected", "SimulatedDatabase", "delayed"]
