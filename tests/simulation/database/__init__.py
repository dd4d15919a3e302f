"""The SQL server of the simulation: MariaDB's transactions and row locks over one SQLite in memory.

The code of a chat node down to the driver's connection is the real one: stores, runner, attempt, the dialect of MySQL
and the lease of its pool. Below that stand, from the caller downwards:

- :mod:`.pool` runs each interaction in a greenlet in place of a thread, so that it can wait in the middle of a
  statement while the simulated time goes on;
- :mod:`.connection` is the driver's connection and cursor: a request takes time to arrive, the answer too;
- :mod:`.session` is the server's side of a connection: transactions, lock waits, time-outs;
- :mod:`.locks` knows who has which row locked and who waits for it;
- :mod:`.storage` is the data: what a transaction wrote is seen by itself alone until its commit.

What differs from MariaDB: of a deadlock always the one that closes the circle is the victim; a statement waits for rows
that it finds among what is committed, never for one that another transaction is about to make match its condition; the
server does not freeze (a plan can delay it at any point); statements have no time-out of their own.
"""

from tests.simulation.database.faults import Injected, delayed
from tests.simulation.database.server import SimulatedDatabase

__all__ = ["Injected", "SimulatedDatabase", "delayed"]
