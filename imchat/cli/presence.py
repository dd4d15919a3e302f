"""The command that shows which contacts are there."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from imchat.cli.asking import ask
from imchat.cli.people import called
from imchat.cli.showing import one_line, when
from imchat.cli.world import World
from imchat.client import Client, ListedContact, PersonChange
from imchat.domain.people import Presence, PresenceState

_AT_ONCE = 100
"""People asked for in one request."""


async def online(arguments: argparse.Namespace, world: World) -> None:
    """Show which contacts are online or away, or of all of them how they are."""

    async def body(client: Client) -> None:
        told: dict[int, Presence] = {}

        def person(change: PersonChange) -> None:
            if change.presence is not None:
                told[change.user_id] = change.presence

        client.on_person(person)
        contacts = [one async for one in client.contacts.all()]
        shown = 0
        for start in range(0, len(contacts), _AT_ONCE):
            some = contacts[start : start + _AT_ONCE]
            await client.people.watch(one.contact.user_id for one in some)
            # Who does not let one know is as one who is offline.
            shown += _show(world, [(one, told.get(one.contact.user_id, Presence())) for one in some], arguments.all)
        if not shown:
            world.nothing("none of your contacts is online" if contacts else "no contacts")

    await ask(arguments, world, body)


def _show(world: World, people: Sequence[tuple[ListedContact, Presence]], every: bool) -> int:
    """Show people, and return how many."""
    shown = 0
    for one, presence in people:
        if every or presence.state is not PresenceState.OFFLINE:
            world.tell(f"{called(one.card)}: {_line(presence)}", **_values(one, presence))
            shown += 1
    return shown


def _line(presence: Presence) -> str:
    state = presence.state.name.lower()
    if presence.platforms:
        return f"{state} ({one_line(', '.join(presence.platforms))})"
    return f"{state}, last seen {when(presence.last_seen_ms)}" if presence.last_seen_ms else state


def _values(one: ListedContact, presence: Presence) -> dict[str, object]:
    return {
        "user_id": one.contact.user_id,
        "name": one.card.name,
        "nickname": one.card.nickname,
        "remark": one.contact.remark,
        "state": presence.state.name.lower(),
        "platforms": list(presence.platforms),
        "last_seen_ms": presence.last_seen_ms,
    }
