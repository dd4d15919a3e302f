"""Stand-ins for the bus."""

from collections.abc import Sequence

from imchat.ports import Notice


class RecordingPublisher:
    """An ``imchat.ports.Publisher`` that keeps what is published, or fails as it is told.

    Attributes:
        published: (channel, notice) in order.
        failure: Raised by ``publish`` while it is set.
    """

    def __init__(self) -> None:
        self.published: list[tuple[str, Notice]] = []
        self.failure: Exception | None = None

    async def publish(self, notices: Sequence[tuple[str, Notice]]) -> None:
        if self.failure is not None:
            raise self.failure
        self.published.extend(notices)
