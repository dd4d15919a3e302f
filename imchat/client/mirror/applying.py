"""The one way in which events change what a device shows."""

from __future__ import annotations

from imchat.client.inbox import Received
from imchat.client.mirror.notes import apply_note
from imchat.client.mirror.state import MirrorState
from imchat.client.mirror.talks import apply_event


def apply(state: MirrorState, event: Received) -> MirrorState:
    """The state after an event of any of the user's streams. The same event again changes nothing."""
    return apply_note(state, event) if event.stream_id == state.user_id else apply_event(state, event)
