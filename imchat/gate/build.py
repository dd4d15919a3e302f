"""Puts the gate's HTTP side together, for whoever has the logic and the ports."""

from __future__ import annotations

from collections.abc import Mapping

from twisted.internet.interfaces import IReactorTime

from imchat.gate.adapter import GateApi
from imchat.gate.admin import AdminApi
from imchat.gate.logic import Gate, Operators
from imchat.gate.settings import HttpSettings
from imchat.gate.site import GateSite
from imchat.ports import Health, Ids, RateLimiter


def build_gate_site(
    gate: Gate,
    dependencies: Mapping[str, Health],
    *,
    ids: Ids,
    limiter: RateLimiter,
    settings: HttpSettings,
    clock: IReactorTime,
) -> GateSite:
    """Return the factory of the HTTP API, to listen with on any endpoint.

    Args:
        gate: The logic.
        dependencies: What must answer for ``/readyz``, by the name that the answer has for it.
        ids: For the ids of internal errors.
        limiter: Counts requests.
        settings: Bounds.
        clock: For time-outs.
    """
    return GateSite(GateApi(gate, dependencies, ids, limiter, settings, clock).resource(), settings, clock)


def build_admin_site(
    operators: Operators, *, ids: Ids, limiter: RateLimiter, settings: HttpSettings, clock: IReactorTime
) -> GateSite:
    """Return the factory of the operator's API: listen with it on a UNIX socket of mode 600 and nowhere else."""
    return GateSite(AdminApi(operators, ids, limiter, settings).resource(), settings, clock)
