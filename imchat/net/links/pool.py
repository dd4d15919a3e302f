"""Links to all known servers of one kind, and calls that find one of them that answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

from twisted.application.service import MultiService
from twisted.internet.defer import DeferredList
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.logger import Logger

from imchat.domain.errors import IMError, Internal, Unavailable
from imchat.net.background import as_deferred
from imchat.net.links.answers import Busy
from imchat.net.links.link import Identity, Link, LinkFailed, LinkSettings
from imchat.net.links.messages import Method, Service
from imchat.net.links.plain import Fields, Malformed, Plain, plain
from imchat.net.links.quiet import QuietLog
from imchat.net.links.secret import SharedSecret
from imchat.ports import Ids

T = TypeVar("T")

_log = Logger()


class Links(MultiService):
    """Links to all known servers of one kind; as a service it keeps them up.

    A call goes to one server, as long as that one answers always to the same (servers count what they handed out
    since a node's last report, so that one that gets all logins places them best); where it does not answer, to the
    next. A server that failed goes to the end of the order.

    Args:
        service: What the servers offer.
        endpoints: Each server's endpoint string, for the log, and its endpoint, in the order of preference.
        secret: The shared secret.
        ids: Randomness, for the login and for jitter.
        clock: The reactor, or a test's clock.
        settings: Waits and time-outs.

    Raises:
        ValueError: there are no endpoints, or one of them is there twice.
    """

    def __init__(
        self,
        service: Service,
        endpoints: Sequence[tuple[str, IStreamClientEndpoint]],
        secret: SharedSecret,
        ids: Ids,
        clock: IReactorTime,
        settings: LinkSettings = LinkSettings(),  # noqa: B008  frozen
    ) -> None:
        super().__init__()
        places = [place for place, _ in endpoints]
        if not places or len(set(places)) != len(places):
            raise ValueError(f"{service.name} servers: {'none is named' if not places else 'one is named twice'}")
        self._service = service
        self._clock = clock
        self._settings = settings
        self._quiet = QuietLog(_log, clock)
        identity = Identity(service.name, secret, ids)
        self._order = [Link(place, end, identity, clock, settings, self._demote) for place, end in endpoints]
        for link in self._order:
            link.setServiceParent(self)

    @property
    def up(self) -> int:
        """How many links are up."""
        return sum(link.up for link in self._order)

    async def ping(self) -> None:
        """:class:`imchat.ports.Health`: return if one of the servers is linked, which its answers to pings prove.

        Raises:
            Unavailable: none is.
        """
        if not self.up:
            raise self._nobody()

    async def call(self, method: Method, fields: Mapping[str, object], timeout: float | None = None) -> Plain:
        """Call a method of one of the servers.

        The next server is asked where one did not begin the call; for a repeatable method also where one did not
        answer, or answered ``unavailable``.

        Args:
            method: The method.
            fields: Its arguments.
            timeout: For one server's answer, in seconds; the settings' where None.

        Raises:
            Unavailable: no server answered within a bound; whether one did what was asked is unknown.
            TooLarge, InvalidRequest: the arguments cannot be sent. No link suffers.
            Internal: a server's answer cannot be read.
            IMError: the server's error.
        """
        arguments = plain(dict(fields))
        timeout = self._settings.call_timeout if timeout is None else timeout
        end = self._clock.seconds() + max(self._settings.total_timeout, timeout)
        answer: Unavailable | None = None
        for link, left in self._candidates(end):
            try:
                return await link.call(method.name, arguments, min(timeout, left))
            except Unavailable as error:
                if not method.repeatable:
                    raise
                answer = error
            except Busy:
                pass
            except LinkFailed as error:
                self._failed(link, error)
                if not method.repeatable:
                    raise self._nobody() from None
            except Malformed as error:
                raise self._unreadable(method, error) from None
        raise answer or self._nobody()

    async def ask(
        self,
        method: Method,
        fields: Mapping[str, object],
        unpack: Callable[[Fields], T],
        timeout: float | None = None,
    ) -> T:
        """As :meth:`call`, for a method whose answer is a dictionary, which ``unpack`` reads."""
        answer = await self.call(method, fields, timeout)
        try:
            return unpack(Fields(answer))
        except Malformed as error:
            raise self._unreadable(method, error) from None

    async def broadcast(self, method: Method, fields: Mapping[str, object]) -> int:
        """Call a method of every server that is linked, at once.

        Returns:
            How many servers took it.

        Raises:
            Unavailable: none did.
            TooLarge, InvalidRequest: the arguments cannot be sent.
        """
        arguments = plain(dict(fields))
        calls = [as_deferred(self._one(link, method, arguments)) for link in self._order if link.up]
        outcomes = await DeferredList(calls)
        taken = sum(bool(outcome) for _, outcome in outcomes)
        if not taken:
            raise self._nobody()
        return taken

    async def _one(self, link: Link, method: Method, arguments: Plain) -> bool:
        try:
            await link.call(method.name, arguments, self._settings.call_timeout)
        except LinkFailed as error:
            self._failed(link, error)
        except (IMError, Busy, Malformed) as error:
            self._quiet.warn(
                "{service} at {place} did not take {method}: {error}",
                service=self._service.name,
                place=link.place,
                method=method.name,
                error=error,
            )
        else:
            return True
        return False

    def _candidates(self, end: float) -> Iterator[tuple[Link, float]]:
        """Links that are up when their turn comes, with the seconds that are left."""
        for link in tuple(self._order):
            left = end - self._clock.seconds()
            if left > 0 and link.up:
                yield link, left

    def _failed(self, link: Link, error: LinkFailed) -> None:
        self._demote(link)
        if link.up:
            # A link that goes down says so itself; this server answers pings, but not this call.
            self._quiet.warn("{service} at {place}: {error}", service=self._service.name, place=link.place, error=error)

    def _demote(self, link: Link) -> None:
        self._order.remove(link)
        self._order.append(link)

    def _unreadable(self, method: Method, error: Malformed) -> Internal:
        self._quiet.warn(
            "{service}: the answer to {method} cannot be read: {error}",
            service=self._service.name,
            method=method.name,
            error=error,
        )
        return Internal("the answer of another server cannot be read")

    def _nobody(self) -> Unavailable:
        return Unavailable(f"no {self._service.name} server answers; try again", int(self._settings.retry_after * 1000))
