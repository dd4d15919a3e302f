"""The operator's choices, as the gate's logic takes them."""

from __future__ import annotations

from dataclasses import dataclass

from imchat.domain.accounts import RegistrationMode
from imchat.ports import Limit


@dataclass(frozen=True, slots=True)
class GatePolicy:
    """Who may register, and how often what may be tried.

    "Peer" is the network that a request comes from: an IPv4 address or an IPv6 /64.

    Attributes:
        registration: Who may register.
        mail_interval_ms: When another code may be asked for (verify holds it; the gate tells it), in ms.
        codes_per_peer: Requests for a code.
        registrations_per_peer: Registrations, and apart from them password resets.
        logins_per_peer: Logins, whatever becomes of them.
        logins_per_account: Failed logins of one account from one peer (:class:`~imchat.gate.logic.throttle`).
    """

    registration: RegistrationMode
    mail_interval_ms: int
    codes_per_peer: Limit
    registrations_per_peer: Limit
    logins_per_peer: Limit
    logins_per_account: Limit
