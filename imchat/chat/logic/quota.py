"""The limits of requests, for each connection and for each account."""

from __future__ import annotations

from collections import OrderedDict

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Account, Connection, Hold, Live
from imchat.domain.errors import RateLimited
from imchat.domain.models import Session
from imchat.domain.rates import ACCOUNT_RATES, COUNTED_LATER, GROUPS, SESSION_RATES, Group, Rates, all_fresh, spend

MAX_DEPARTED = 50_000
"""Accounts without a connection whose use is remembered; beyond it the one that left first is forgotten."""

_FRAMES, _MESSAGES = int(Group.FRAMES), int(Group.MESSAGES)
_TEXTS = {
    Group.FRAMES: "too many requests",
    Group.MESSAGES: "too many messages",
    Group.LOOKUPS: "too many users looked up",
}


class Quota:
    """Counts requests of live sessions.

    What an account has used is kept after its last connection is gone for as long as the longest window, so that
    whoever connects again is not as good as new.

    Args:
        clock: The time.
        rates: Limits of each connection.
        account_rates: Limits of all connections of an account together.
    """

    def __init__(self, clock: IReactorTime, rates: Rates = SESSION_RATES, account_rates: Rates = ACCOUNT_RATES) -> None:
        self._clock = clock
        self._limits = rates.by_group()
        self._account_limits = account_rates.by_group()
        self._keep_ms = account_rates.longest_ms
        self._accounts: dict[int, Account] = {}
        # In the order in which they left, with the time.
        self._departed: OrderedDict[int, tuple[int, Account]] = OrderedDict()

    def __len__(self) -> int:
        """How many accounts are remembered."""
        return len(self._accounts) + len(self._departed)

    # --- who is here

    def join(self, connection: Connection, session: Session) -> Live:
        """A connection has its session from now on. Each that joined leaves once."""
        user_id = session.user_id
        self._forget_old()
        account = self._accounts.get(user_id)
        if account is None:
            _, left = self._departed.pop(user_id, (0, None))
            account = self._accounts[user_id] = left or Account()
        account.connections += 1
        return Live(connection, session, account)

    def leave(self, live: Live) -> None:
        """A connection is gone."""
        account = live.account
        account.connections -= 1
        if account.connections:
            return
        del self._accounts[live.user_id]
        now_ms = self._now_ms()
        if not all_fresh(account.spent, now_ms):
            self._departed[live.user_id] = (now_ms, account)
        self._forget_old()

    def _forget_old(self) -> None:
        before_ms = self._now_ms() - self._keep_ms
        while self._departed:
            user_id, (left_ms, _) = next(iter(self._departed.items()))
            if left_ms > before_ms and len(self._departed) <= MAX_DEPARTED:
                return
            del self._departed[user_id]

    # --- what they ask for

    def request(self, live: Live) -> RateLimited | None:
        """Count a frame of whatever kind; return the error if it was one too many.

        To refuse costs too: who goes on is not even read from until there is room again.
        """
        wait_ms = self._spend(live, _FRAMES)
        if not wait_ms:
            return None
        live.connection.hold(Hold.RATE)
        self._clock.callLater(wait_ms / 1000, live.connection.release, Hold.RATE)
        return RateLimited(_TEXTS[Group.FRAMES], wait_ms)

    def message(self, live: Live) -> RateLimited | None:
        """Count a message; return the error if it was one too many."""
        wait_ms = self._spend(live, _MESSAGES)
        return RateLimited(_TEXTS[Group.MESSAGES], wait_ms) if wait_ms else None

    def act(self, live: Live) -> RateLimited | None:
        """Count an act on a message; return the error if it was one too many."""
        return self._count(live, Group.ACTS)

    def body(self, live: Live, name: str) -> None:
        """Count a request by the name of its body, as it comes.

        Messages, acts and look-ups count nothing here: they are counted where they are carried out.

        Raises:
            RateLimited: it is one too many of its group.
        """
        group = GROUPS[name]
        if group not in COUNTED_LATER and (error := self._count(live, group)) is not None:
            raise error

    def lookup(self, live: Live, count: int = 1) -> None:
        """Count users that are looked up.

        Raises:
            RateLimited: too many were.
        """
        for _ in range(count):
            if (error := self._count(live, Group.LOOKUPS)) is not None:
                raise error

    def _count(self, live: Live, group: Group) -> RateLimited | None:
        wait_ms = self._spend(live, group)
        if not wait_ms:
            return None
        return RateLimited(_TEXTS.get(group, "too many requests of this kind"), wait_ms)

    def _spend(self, live: Live, group: int) -> int:
        now_ms = int(self._clock.seconds() * 1000)
        return spend(group, live.spent, self._limits, live.account.spent, self._account_limits, now_ms)

    def _now_ms(self) -> int:
        return int(self._clock.seconds() * 1000)
