"""How often a login may be tried.

A limit on logins must slow down whoever guesses, and must not become a means of locking somebody out. So:

- All logins count per peer, wherever they lead.
- Per account only *failures* count: the attempt is taken before the password is checked (many at once cannot slip
  through together) and given back unless the password was wrong.
- They count per account **and peer** first: a stranger uses up the tries of his own network, not the owner's.
- They count per account over all peers too, at ten times the limit, against guessing from many networks. Where that
  is used up, nobody is locked out: each network has a few tries left (a fifth of the limit), which only somebody in
  the owner's own network can use up. Sessions that exist and a password reset by mail are not concerned at all.

Accounts are told apart by what was typed, not by the account that it leads to: otherwise failures under an address
would be felt under a name, and that would tell whose address it is; and an unknown account must be limited like a
known one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from imchat.domain.errors import RateLimited
from imchat.ports import Limit, RateLimiter

WIDE_FACTOR = 10
"""Failures of one account over all peers, as a multiple of those from one peer."""

STRICT_DIVISOR = 5
"""Tries left to one peer while the account's own limit is used up, as a part of the ordinary ones."""


async def take_or_refuse(limiter: RateLimiter, key: str, limit: Limit) -> None:
    """Count one event.

    Raises:
        RateLimited: the limit is used up.
    """
    wait_ms = await limiter.take(key, limit)
    if wait_ms:
        raise RateLimited("too many requests", wait_ms)


@dataclass(frozen=True, slots=True)
class Attempt:
    """A login that is being tried: what it took from which limit."""

    taken: tuple[tuple[str, Limit], ...]


class LoginThrottle:
    """Limits failed logins (see the module).

    Args:
        limiter: Counts.
        limit: Failures of one account from one peer.
    """

    def __init__(self, limiter: RateLimiter, limit: Limit) -> None:
        self._limiter = limiter
        self._narrow = limit
        self._wide = Limit(limit.count * WIDE_FACTOR, limit.window_ms)
        self._strict = Limit(max(1, limit.count // STRICT_DIVISOR), limit.window_ms)

    async def begin(self, login_key: str, peer: str) -> Attempt:
        """Count an attempt as failed until :meth:`forgive` says otherwise.

        Raises:
            RateLimited: no try is left for this account from this peer.
        """
        # Not the name or address itself: what limits hold may lie in another server's memory.
        account = hashlib.sha256(login_key.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        narrow, wide = f"login:{account}:{peer}", f"login:{account}"
        await take_or_refuse(self._limiter, narrow, self._narrow)
        taken = [(narrow, self._narrow)]
        if not await self._limiter.take(wide, self._wide):
            return Attempt((*taken, (wide, self._wide)))
        strict = f"login-strict:{account}:{peer}"
        wait_ms = await self._limiter.take(strict, self._strict)
        if wait_ms:
            await self.forgive(Attempt(tuple(taken)))
            raise RateLimited("too many failed logins", wait_ms)
        return Attempt((*taken, (strict, self._strict)))

    async def forgive(self, attempt: Attempt) -> None:
        """The attempt did not fail for its password: give back what it took."""
        for key, limit in attempt.taken:
            await self._limiter.give_back(key, limit)
