"""Private servers as child processes: for demonstrations, and for tests of bots and applications on imchat.

Example::

    server = EmbeddedServer(reactor, directory)
    await server.start()
    ...  # talk to server.url; server.code_for("alice@example.org") reads a mailed code
    await server.stop()
"""

from imchat.testing.cluster import Cluster
from imchat.testing.databases import PrivateMariaDB, PrivateRedis
from imchat.testing.embedded import EmbeddedServer
from imchat.testing.processes import Child, ServerFailed, free_port

__all__ = [
    "Child",
    "Cluster",
    "EmbeddedServer",
    "PrivateMariaDB",
    "PrivateRedis",
    "ServerFailed",
    "free_port",
]
