"""Whether a refusal was right: something of the world must speak for it, at some moment since it was asked for.

Between asking and refusing others act, so each answer looks at all moments in between, and no others.
"""

from __future__ import annotations

from imchat.domain.acts import EDIT_MS, RECALL_MS
from imchat.domain.models import EventState
from tests.simulation.social.watch import Watch

LIMITS_MS = {"recalled": RECALL_MS, "edited": EDIT_MS}


class Excuses:
    """Looks for what speaks for a refusal.

    Args:
        watch: Knows how things stood.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def speaks_for(self, deed: str, code: str, user_id: int, since: float, facts: dict[str, object]) -> bool:
        """Whether something does.

        Args:
            deed: Its name.
            code: Of the refusal.
            user_id: Who was refused.
            since: When they began.
            facts: What the deed was about.
        """
        excuse = getattr(self, f"_{code}", None)
        return excuse is not None and bool(excuse(deed, user_id, since, **facts))

    def _not_contacts(self, deed: str, user_id: int, since: float, peer_id: int, **_: object) -> bool:
        return self._watch.forbade(user_id, peer_id, since)

    def _value_refused(self, deed: str, user_id: int, since: float, peer_id: int, **_: object) -> bool:
        return self._watch.was("blocks", (user_id, peer_id), True, since)

    def _rate_limited(self, deed: str, user_id: int, since: float, peer_id: int, **_: object) -> bool:
        # Nobody here asks so often that another limit is met.
        return self._watch.was("declined", (user_id, peer_id), True, since)

    def _not_found(self, deed: str, user_id: int, since: float, peer_id: int, **_: object) -> bool:
        if deed == "answered":
            return self._watch.was("answerable", (peer_id, user_id), False, since)
        return self._watch.was("contact", (user_id, peer_id), False, since)

    def _too_late(self, deed: str, user_id: int, since: float, place: tuple[int, int], **_: object) -> bool:
        _, created_ms, state = self._watch.message(*place)
        limit_ms = LIMITS_MS.get(deed)
        late = limit_ms is not None and self._watch.database_ms() - created_ms > limit_ms
        return late or state in (EventState.RECALLED, EventState.EXPIRED)

    def _unchanged(
        self,
        deed: str,
        user_id: int,
        since: float,
        place: tuple[int, int],
        emoji: str = "",
        remove: bool = False,
        **_: object,
    ) -> bool:
        if deed == "recalled":
            return self._watch.message(*place)[2] == EventState.RECALLED
        return self._watch.was("reacted", (*place, emoji, user_id), not remove, since)
