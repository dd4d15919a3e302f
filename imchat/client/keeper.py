"""Having a session, and staying connected with it."""

from __future__ import annotations

import imchat
from imchat.client.errors import NotLoggedIn, Stopped
from imchat.client.link import Link, LinkUser
from imchat.client.login import Credentials, keep_logging_in
from imchat.client.options import Options, Outside, Status
from imchat.client.state import Change, SavedSession, Snapshot
from imchat.domain.errors import Unauthenticated
from imchat.domain.models import Device

PROGRAM = f"imchat-python/{imchat.__version__}"


class Keeper:
    """Finds a session (saved, given, or by logging in) and runs a :class:`Link` with it.

    Args:
        user: Gets what the link has to tell.
    """

    def __init__(self, outside: Outside, options: Options, user: LinkUser) -> None:
        self._outside = outside
        self._options = options
        self._user = user
        self._credentials: Credentials | None = None
        self._fresh = False
        self._link: Link | None = None
        self._stopped = False
        self.session: SavedSession | None = None

    async def begin(self, credentials: Credentials | None, given: SavedSession | None) -> Snapshot:
        """Find a session, and save it.

        Args:
            credentials: For a new session, where there is none of theirs or it is over.
            given: A session to use instead of the saved one.

        Returns:
            What was saved before; without positions and outbox where these are another account's.

        Raises:
            IMError: the gate refuses the credentials.
            NotLoggedIn: there is no session and there are no credentials.
            Stopped: the client was stopped meanwhile.
        """
        self._credentials = credentials
        saved = await self._outside.store.load()
        session = given or self._usable(saved.session)
        if session is None:
            self._fresh = True
            session = await self._login(saved.session)
        if self._stopped:
            raise Stopped("the client was stopped")
        forget = saved.session is not None and not session.same_account(saved.session)
        if session != saved.session:
            await self._outside.store.commit(Change(session=session, forget=forget))
        self.session = session
        return Snapshot(session) if forget else saved

    def _usable(self, session: SavedSession | None) -> SavedSession | None:
        if session is None or session.server != self._outside.gate.base:
            return None
        if self._credentials is not None and session.login != self._credentials.login:
            return None
        return session

    async def _login(self, old: SavedSession | None) -> SavedSession:
        if self._credentials is None:
            raise NotLoggedIn("there is no session on this server: log in first")
        device_id = old.device_id if old is not None else self._outside.ids.client_id().hex()

        def waiting(reason: str) -> None:
            self._user.status(Status.WAITING, reason)
            if self._stopped:  # by the one who was told
                raise Stopped("the client was stopped")

        return await keep_logging_in(
            self._outside, self._credentials, self._device(device_id), self._options.timing, waiting
        )

    async def run(self) -> None:
        """Stay connected until :meth:`stop`.

        Raises:
            IMError: the session is over and there is no way to another.
        """
        try:
            await self._run_link(self._fresh)
        except Unauthenticated:
            # The session of an earlier run may be over; one made just now is not, unless somebody ended it.
            if self._fresh or self._credentials is None:
                raise
            self.session = await self._login(self.session)
            self._user.routed(self.session)
            await self._run_link(True)

    async def _run_link(self, fresh: bool) -> None:
        if self.session is not None:
            device = self._device(self.session.device_id)
            self._link = Link(self._outside, self._options.timing, device, PROGRAM, self._user)
            await self._link.run(self.session, fresh)

    def _device(self, device_id: str) -> Device:
        return Device(device_id, self._options.device_name, self._options.platform)

    async def stop(self) -> None:
        """Connect no more; return when the connection is closed. The caller cancels :meth:`run` then."""
        self._stopped = True
        if self._link is not None:
            await self._link.stop()
