"""One link to one server: connected, logged in and watched for as long as it can be, and tried again when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twisted.application.service import Service as TwistedService
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError
from twisted.internet.interfaces import IAddress, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from twisted.spread import pb

from imchat.domain.errors import IMError
from imchat.net.background import as_deferred, sleep, spawn
from imchat.net.links import answers
from imchat.net.links.broker import ClientBroker
from imchat.net.links.door import VERSION
from imchat.net.links.plain import Fields, Malformed, Plain
from imchat.net.links.secret import SharedSecret
from imchat.ports import Ids

_log = Logger()


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Waits and time-outs of the calling side, in seconds.

    Attributes:
        connect_timeout: For a connection.
        login_timeout: For the login on it, a TLS handshake with it.
        call_timeout: For one server's answer to one call.
        total_timeout: After so long no further server is asked for the same call.
        ping_interval: A link is pinged so often, whether it is in use or not.
        ping_timeout: A link whose ping has no answer by then is cut off.
        first_delay: Wait after the first failure; it doubles with each further one.
        longest_delay: Longest wait.
        steady: A link that was up for so long starts again with the first delay.
        retry_after: What callers are told to wait when no server answers.
    """

    connect_timeout: float = 3.0
    login_timeout: float = 3.0
    call_timeout: float = 5.0
    total_timeout: float = 8.0
    ping_interval: float = 2.0
    ping_timeout: float = 2.0
    first_delay: float = 0.2
    longest_delay: float = 5.0
    steady: float = 10.0
    retry_after: float = 2.0

    def delay(self, failures: int, fraction: float) -> float:
        """Seconds to wait after so many failures in a row, 0 the first; between half and all of the whole wait."""
        return min(self.longest_delay, self.first_delay * 2.0 ** min(failures, 32)) * (0.5 + fraction / 2)


class LinkFailed(Exception):
    """A call has no answer; the server may have got it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a link logs in with.

    Attributes:
        service: Name of the service that is expected at the other end.
    """

    service: str
    secret: SharedSecret
    ids: Ids


@dataclass(frozen=True, slots=True)
class _End:
    """Why a link is not up; ``refusal``: somebody is there and will not have it, which is news of its own."""

    reason: str
    refusal: bool = False


class _Brokers(Factory):
    noisy = False

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock

    def buildProtocol(self, addr: IAddress | None) -> Protocol:
        return ClientBroker(self._clock)


class Link(TwistedService):
    """A link to one server; as a service it keeps itself up from start to stop.

    Twisted's ``ClientService`` is not used: it logs a line for every try, and its stop waits for a frozen peer.

    Args:
        place: The endpoint as the operator wrote it, for the log.
        endpoint: Where the server is.
        identity: For the login.
        clock: The reactor, or a test's clock.
        settings: Waits and time-outs.
        went_down: Called with this link whenever it goes down.
    """

    def __init__(
        self,
        place: str,
        endpoint: IStreamClientEndpoint,
        identity: Identity,
        clock: IReactorTime,
        settings: LinkSettings,
        went_down: Callable[[Link], None],
    ) -> None:
        self.place = place
        self._endpoint = endpoint
        self._identity = identity
        self._clock = clock
        self._settings = settings
        self._went_down = went_down
        self._broker: ClientBroker | None = None
        self._failures = 0
        self._complaint: str | None = None
        self._running: Deferred[None] | None = None

    @property
    def up(self) -> bool:
        """Whether calls can be sent."""
        return self._broker is not None and not self._broker.ended

    def startService(self) -> None:
        """Begin to connect."""
        super().startService()
        self._running = as_deferred(self._run())
        self._running.addErrback(self._stopped)

    def stopService(self) -> None:
        """End the connection, or the try to make one, at once."""
        super().stopService()
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    async def call(self, method: str, fields: Plain, timeout: float) -> Plain:
        """Call a method of the server.

        A call that is not answered in time is given up alone: whether the server lives is for the pings to find out,
        and they cut the link off long before the usual time-out of a call.

        Args:
            method: Its name.
            fields: Its arguments.
            timeout: In seconds.

        Raises:
            LinkFailed: there is no answer.
            IMError: the server's error.
            Busy: the server did not begin it.
            Malformed: the server's answer is none.
        """
        if self._broker is None:
            raise LinkFailed("it is not linked")
        return await self._request(self._broker, method, fields, timeout)

    async def _request(self, broker: ClientBroker, method: str, fields: Plain, timeout: float) -> Plain:
        try:
            answer = await broker.request(method, fields).addTimeout(timeout, self._clock)
        except DeferredTimeout:
            raise LinkFailed(f"no answer to {method} within {timeout:g} s") from None
        except (pb.PBConnectionLost, pb.DeadReferenceError):
            raise LinkFailed(f"the connection was lost before the answer to {method}") from None
        return answers.read(answer)

    # --- the life of a link

    async def _run(self) -> None:
        while True:
            self._went_off(await self._live())
            delay = self._settings.delay(self._failures, self._identity.ids.fraction())
            self._failures += 1
            await sleep(self._clock, delay)

    async def _live(self) -> _End:
        """Connect, log in, and return why the link is no longer up, or never was."""
        try:
            connecting = self._endpoint.connect(_Brokers(self._clock))
            broker = await connecting.addTimeout(self._settings.connect_timeout, self._clock)
        except (DeferredTimeout, ConnectingCancelledError):
            # Endpoints have an error of their own for an attempt that was cancelled, by the time-out or by our stop.
            if not self.running:
                raise CancelledError from None
            return _End(f"no connection within {self._settings.connect_timeout:g} s")
        except (ConnectError, DNSLookupError, OSError) as error:
            return _End(f"cannot connect: {error}")
        assert isinstance(broker, ClientBroker)  # noqa: S101
        try:
            return await self._log_in(broker) or await self._stay(broker)
        finally:
            self._broker = None
            broker.abort("it is not needed any more")

    async def _log_in(self, broker: ClientBroker) -> _End | None:
        timeout = self._settings.login_timeout
        try:
            await as_deferred(self._login(broker)).addTimeout(timeout, self._clock)
        except DeferredTimeout:
            return _End(f"no login within {timeout:g} s")
        except (LinkFailed, answers.Busy) as error:
            return _End(f"cannot log in: {error}")
        except (IMError, Malformed) as error:
            return _End(f"cannot log in: {error}", refusal=True)
        except pb.PBConnectionLost:
            return _End(f"cannot log in: {await broker.lost}", refusal=True)
        return None

    async def _stay(self, broker: ClientBroker) -> _End:
        self._went_up(broker)
        since = self._clock.seconds()
        pings = LoopingCall(self._ping, broker)
        pings.clock = self._clock
        spawn(f"pinging {self.place}", pings.start(self._settings.ping_interval, now=False))
        try:
            return _End(await broker.lost)
        finally:
            pings.stop()
            if self._clock.seconds() - since >= self._settings.steady:
                self._failures = 0

    async def _login(self, broker: ClientBroker) -> None:
        await broker.ready
        service, timeout = self._identity.service, self._settings.login_timeout
        hello: Plain = {"version": VERSION, "service": service}
        server_nonce = Fields(await self._request(broker, "hello", hello, timeout)).data("nonce")
        nonce = self._identity.ids.token()
        secret = self._identity.secret
        proof = secret.proof("caller", service, server_nonce, nonce)
        answer = Fields(await self._request(broker, "login", {"nonce": nonce, "proof": proof}, timeout))
        if not secret.proves(answer.data("proof"), "server", service, server_nonce, nonce):
            raise Malformed("it does not know the shared secret")
        broker.trust()

    async def _ping(self, broker: ClientBroker) -> None:
        try:
            await self._request(broker, "ping", None, self._settings.ping_timeout)
        except (LinkFailed, Malformed, IMError, answers.Busy) as error:
            broker.abort(f"it does not answer pings: {error}")

    # --- what the log says: one line when a link goes, one more if it is refused then, one when it is back

    def _went_up(self, broker: ClientBroker) -> None:
        self._broker = broker
        self._complaint = None
        _log.info("{service} at {place} is linked", service=self._identity.service, place=self.place)

    def _went_off(self, end: _End) -> None:
        self._went_down(self)
        if self._complaint is None or (end.refusal and end.reason != self._complaint):
            self._complaint = end.reason
            _log.warn(
                "{service} at {place} is not linked: {reason}; trying again",
                service=self._identity.service,
                place=self.place,
                reason=end.reason,
            )

    def _stopped(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            _log.failure("the link to {place} ended by a fault", failure=failure, place=self.place)
