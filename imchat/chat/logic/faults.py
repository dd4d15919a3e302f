"""What goes wrong unexpectedly gets an id. Outages are told by whoever keeps the connection: stores, bus, links."""

from __future__ import annotations

from twisted.logger import Logger
from twisted.python.failure import Failure

from imchat.domain.errors import IMError, Internal
from imchat.ports import Ids


class Faults:
    """Turns what is no :class:`IMError` into ``internal`` with an id, and logs the failure under that id.

    Args:
        ids: For the ids.
        log: For the lines.
    """

    def __init__(self, ids: Ids, log: Logger) -> None:
        self._ids = ids
        self._log = log

    def public(self, failure: Failure, what: str) -> IMError:
        """Return the error that the client may see.

        Args:
            failure: What happened.
            what: What was being done, for the log.
        """
        if isinstance(failure.value, IMError):
            return failure.value
        fault_id = f"{self._ids.new_id():014x}"
        self._log.failure("{what} failed, fault {fault_id}", failure=failure, what=what, fault_id=fault_id)
        return Internal(f"a fault of the server, with the id {fault_id}")
