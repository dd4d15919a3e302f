"""Getting a session with a name and a password, however long the server is away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from imchat.client.backoff import Timing, retry_delay
from imchat.client.errors import Unreachable
from imchat.client.gate import Gate
from imchat.client.options import Outside
from imchat.client.state import SavedSession
from imchat.domain.errors import Internal, Passing
from imchat.domain.models import Device
from imchat.net.background import sleep


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a user logs in with; never shown."""

    login: str
    password: str

    def __repr__(self) -> str:
        return f"Credentials({self.login!r})"


async def open_session(gate: Gate, credentials: Credentials, device: Device) -> SavedSession:
    """Log a device in, once.

    Raises:
        IMError: the gate refuses.
        Unreachable: it does not answer.
    """
    login = await gate.login(credentials.login, credentials.password, device)
    return SavedSession(
        server=gate.base,
        user_id=login.user_id,
        name=login.name,
        token=login.token,
        device_id=device.device_id,
        login=credentials.login,
        nodes=login.route.nodes,
    )


async def keep_logging_in(
    outside: Outside, credentials: Credentials, device: Device, timing: Timing, waiting: Callable[[str], None]
) -> SavedSession:
    """Log a device in; while the server is away or busy, try again and again.

    Args:
        waiting: Told why the next try waits.

    Raises:
        IMError: the gate refuses for good.
    """
    attempt = 0
    while True:
        try:
            return await open_session(outside.gate, credentials, device)
        except (Unreachable, Passing, Internal) as error:
            delay = retry_delay(getattr(error, "retry_after_ms", None), timing.backoff, attempt, outside.ids.fraction())
            waiting(f"{error}; next try in {delay:.1f} s")
        await sleep(outside.clock, delay)
        attempt += 1
