"""All that a device shows, kept live: contacts, requests, conversations with their states, messages.

:class:`Mirror` is a client with a :class:`MirrorState`; the functions that make and read states need no network.
"""

from imchat.client.mirror.applying import apply
from imchat.client.mirror.live import Mirror
from imchat.client.mirror.snapshot import Snapshot, merge, merge_conversations, merge_page, with_cards, with_person
from imchat.client.mirror.state import WINDOW, MirrorState, Talk
from imchat.client.mirror.views import blocked, called, contacts, conversations, messages, newest, requests, title

__all__ = [
    "WINDOW",
    "Mirror",
    "MirrorState",
    "Snapshot",
    "Talk",
    "apply",
    "blocked",
    "called",
    "contacts",
    "conversations",
    "merge",
    "merge_conversations",
    "merge_page",
    "messages",
    "newest",
    "requests",
    "title",
    "with_cards",
    "with_person",
]
