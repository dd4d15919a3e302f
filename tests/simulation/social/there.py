"""Who is there, as the world knows it and as devices show it, and what devices show of contacts' profiles.

None of it is stored for each device: what was not heard is looked for by the nodes themselves, after some seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from imchat.client.mirror import contacts
from imchat.client.mirror.live import WATCHED
from imchat.domain.people import Presence, PresenceState
from tests.simulation.application import Person
from tests.simulation.social.rows import Rows
from tests.simulation.social.world import PLATFORM, SocialDevice

NOBODY = Presence()


def presences(people: Iterable[Person], absent: Iterable[int]) -> dict[int, Presence]:
    """How people are, by user: by their devices, of which those are switched on that are not absent."""
    away = set(absent)
    return {person.user_id: NOBODY if person.number in away else _presence(person) for person in people}


def _presence(person: Person) -> Presence:
    there = [device for device in person.devices if isinstance(device, SocialDevice) and device.live]
    if not there:
        return NOBODY
    state = PresenceState.AWAY if all(device.away for device in there) else PresenceState.ONLINE
    return Presence(state, (PLATFORM,))


def unlike(device: SocialDevice, rows: Rows, there: Mapping[int, Presence]) -> Iterator[str]:
    """Where a device shows contacts otherwise than they are."""
    user_id, state = device.person.user_id, device.mirror.state
    for contact in contacts(state)[:WATCHED]:
        peer_id = contact.user_id
        may = rows.may_watch(user_id, peer_id)
        hidden = not may or rows.profile(peer_id).settings.presence_hidden
        due = NOBODY if hidden else there[peer_id]
        found = state.presences.get(peer_id, NOBODY)
        where = f"presence: {device.name} (user {user_id}): {peer_id}"
        if (found.state, found.platforms) != (due.state, due.platforms):
            yield f"{where} is {found}, should be {due}"
        elif bool(found.last_seen_ms) != (not hidden and due.state is PresenceState.OFFLINE):
            yield f"{where} was last seen at {found.last_seen_ms}, and is {due}{', which is hidden' if hidden else ''}"
        if may and state.cards.get(peer_id) != rows.card(peer_id):
            yield f"card: {device.name} (user {user_id}): {state.cards.get(peer_id)}, should be {rows.card(peer_id)}"
