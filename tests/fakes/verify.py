"""Stand-ins around the verify server."""

from imchat.ports import Mail


class RecordingMailer:
    """An ``imchat.ports.Mailer`` that keeps the mails, or fails as it is told.

    Attributes:
        mails: What was sent, in order.
        failure: Raised by ``send`` while it is set.
    """

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.failure: Exception | None = None

    async def send(self, mail: Mail) -> None:
        if self.failure is not None:
            raise self.failure
        self.mails.append(mail)
