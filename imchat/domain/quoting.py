"""How much of a message goes out with the events that are about it."""

from __future__ import annotations

from imchat.domain.kinds import ContentKind
from imchat.domain.models import Event

QUOTED = 100
"""Characters of a text that are quoted with a reply."""

_CUT = (ContentKind.TEXT, ContentKind.CUSTOM)
"""What is long is cut in a quote; of other kinds the whole is a preview."""

_CUT_BYTES = 4 * QUOTED
_REACTION_BYTES = 16


def weight(event: Event) -> int:
    """About how many bytes an event sends besides what every event has."""
    size = len(event.content)
    if event.reactions:
        size += sum(len(reaction.emoji) + _REACTION_BYTES for reaction in event.reactions)
    if event.target is not None:
        size += len(event.target.content)
    if event.quote is not None:
        quoted = len(event.quote.content)
        size += min(quoted, _CUT_BYTES) if event.quote.kind in _CUT else quoted
    return size
