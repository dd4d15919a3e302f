"""What goes wrong: unexpected failures get an id, outages one line each."""

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


class Outage:
    """Logs that something is gone, once, and that it is back.

    Args:
        what: Its name in the log.
        log: For the lines.
    """

    def __init__(self, what: str, log: Logger) -> None:
        self._what = what
        self._log = log
        self._gone = False

    def failed(self, error: Exception) -> None:
        """It did not answer."""
        if not self._gone:
            self._gone = True
            self._log.warn("{what} is not available: {error}", what=self._what, error=str(error))

    def answered(self) -> None:
        """It did."""
        if self._gone:
            self._gone = False
            self._log.info("{what} is available again", what=self._what)
