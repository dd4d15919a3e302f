"""Commands about people: one's profile, search, contacts and requests."""

from __future__ import annotations

import argparse
from collections.abc import Awaitable, Callable
from dataclasses import asdict

from imchat.cli.asking import ask, person
from imchat.cli.showing import one_line, printable, when
from imchat.cli.world import World
from imchat.client import Client, ContactChange, ListedContact, ListedRequest
from imchat.domain.models import UserCard
from imchat.domain.people import Profile, ProfileChange, RequestState

GENDERS = ("unspecified", "female", "male", "other")


def card_values(card: UserCard) -> dict[str, object]:
    """What a person shows of themselves, as JSON has it."""
    gender = GENDERS[card.gender] if card.gender < len(GENDERS) else GENDERS[0]
    return {
        "user_id": card.id,
        "name": card.name,
        "nickname": card.nickname,
        "signature": card.signature,
        "gender": gender,
        "region": card.region,
        "avatar": card.avatar,
        "deleted": card.deleted,
    }


def profile_values(profile: Profile) -> dict[str, object]:
    """One's own profile, as JSON has it."""
    return {**card_values(profile.card), "email": profile.email, "settings": asdict(profile.settings)}


def contact_values(listed: ListedContact) -> dict[str, object]:
    """A contact, as JSON has it."""
    contact = listed.contact
    return {
        **card_values(listed.card),
        "user_id": contact.user_id,
        "is_contact": contact.is_contact,
        "blocked": contact.blocked,
        "remark": contact.remark,
        "labels": list(contact.labels),
        "starred": contact.starred,
        "since_ms": contact.since_ms,
    }


def request_values(listed: ListedRequest) -> dict[str, object]:
    """A contact request, as JSON has it."""
    request = listed.request
    return {
        "user_id": request.user_id,
        "name": listed.card.name,
        "nickname": listed.card.nickname,
        "incoming": request.incoming,
        "greeting": request.greeting,
        "remark": request.remark,
        "state": request.state.name.lower(),
        "created_ms": request.created_ms,
        "changed_ms": request.changed_ms,
    }


def called(card: UserCard) -> str:
    """What a person is called in a line."""
    return printable(f"{card.name} ({one_line(card.nickname)})" if card.nickname else card.name)


# --- profile and search


async def profile(arguments: argparse.Namespace, world: World) -> None:
    """Show one's own profile, after changing what the command line says."""
    await ask(arguments, world, lambda client: _profile(arguments, world, client))


async def _profile(arguments: argparse.Namespace, world: World, client: Client) -> None:
    change = ProfileChange(
        arguments.nickname,
        arguments.signature,
        None if arguments.gender is None else GENDERS.index(arguments.gender),
        arguments.region,
        arguments.avatar,
        arguments.hidden_from_search,
        arguments.presence_hidden,
        arguments.receipts_off,
    )
    people = client.people
    found = await (people.profile() if change == ProfileChange() else people.set_profile(change))
    values = profile_values(found)
    told = {key: value for key, value in values.items() if key not in ("settings", "deleted") and value}
    lines = [f"{key.replace('_', ' ')}: {one_line(str(value))}" for key, value in told.items()]
    on = [name.replace("_", " ") for name, value in asdict(found.settings).items() if value]
    world.tell("\n".join([*lines, *([f"settings: {', '.join(on)}"] if on else [])]), **values)


async def search(arguments: argparse.Namespace, world: World) -> None:
    """Show people by id, name, or the beginning of a name or nickname."""

    async def body(client: Client) -> None:
        left = arguments.limit
        async for card in client.people.search(arguments.query, min(left, 100)):
            world.tell(f"{card.id} {called(card)}", **card_values(card))
            left -= 1
            if not left:
                return
        if left == arguments.limit:
            world.nothing(f"nobody found whose id, name or nickname begins with {arguments.query!r}")

    await ask(arguments, world, body)


# --- lists


async def contacts(arguments: argparse.Namespace, world: World) -> None:
    """Show contacts and those who are blocked."""

    async def body(client: Client) -> None:
        shown = set()
        for listed in (client.contacts.all(), client.contacts.blocked()):
            async for one in listed:
                if one.contact.user_id not in shown:
                    shown.add(one.contact.user_id)
                    world.tell(_contact_line(one), **contact_values(one))
        if not shown:
            world.nothing("no contacts; 'imchat contacts add NAME' asks somebody, 'imchat search' finds people")

    await ask(arguments, world, body)


def _contact_line(one: ListedContact) -> str:
    contact = one.contact
    notes = [f'"{one_line(contact.remark)}"'] if contact.remark else []
    notes += [f"[{one_line(label)}]" for label in contact.labels]
    notes += ["starred"] if contact.starred else []
    notes += ["blocked"] if contact.blocked else []
    notes += [] if contact.is_contact else ["no contact"]
    notes += ["account deleted"] if one.card.deleted else []
    return " ".join([called(one.card), *notes])


async def contact_requests(arguments: argparse.Namespace, world: World) -> None:
    """Show contact requests of both directions that are pending, or all of them."""

    async def body(client: Client) -> None:
        shown = False
        for incoming in (True, False):
            async for one in client.contacts.requests(incoming, arguments.all):
                world.tell(_request_line(one), **request_values(one))
                shown = True
        if not shown:
            world.nothing("no contact requests" + ("" if arguments.all else " that wait for an answer"))

    await ask(arguments, world, body)


def _request_line(one: ListedRequest) -> str:
    request = one.request
    direction = "from" if request.incoming else "to"
    greeting = f": {one_line(request.greeting)}" if request.greeting else ""
    return f"{when(request.created_ms)} {request.state.name.lower()} {direction} {called(one.card)}{greeting}"


# --- changes

Change = Callable[[Client, int, argparse.Namespace], Awaitable[ContactChange]]


async def _change(arguments: argparse.Namespace, world: World, done: str, change: Change) -> None:
    async def body(client: Client) -> None:
        user = await person(client, arguments.name)
        changed = await change(client, user.id, arguments)
        values = contact_values(ListedContact(changed.contact, user))
        text = "you are contacts" if done == "asked" and not _waits(changed) else done
        world.tell(f"{printable(user.name)}: {text}", **values)

    await ask(arguments, world, body)


def _waits(changed: ContactChange) -> bool:
    # Whom one has in the list may have taken one out of theirs: then they are asked, and no contact yet.
    return any(r.state is RequestState.PENDING and not r.incoming for r in changed.requests)


async def add(arguments: argparse.Namespace, world: World) -> None:
    """Ask somebody to become contacts."""
    await _change(
        arguments, world, "asked", lambda client, user_id, a: client.contacts.request(user_id, a.greeting, a.remark)
    )


async def accept(arguments: argparse.Namespace, world: World) -> None:
    """Accept a request."""
    await _change(arguments, world, "accepted", lambda client, user_id, a: client.contacts.accept(user_id, a.remark))


async def decline(arguments: argparse.Namespace, world: World) -> None:
    """Decline a request."""
    await _change(arguments, world, "declined", lambda client, user_id, a: client.contacts.decline(user_id))


async def ignore(arguments: argparse.Namespace, world: World) -> None:
    """Leave a request without an answer."""
    await _change(arguments, world, "ignored", lambda client, user_id, a: client.contacts.ignore(user_id))


async def remove(arguments: argparse.Namespace, world: World) -> None:
    """Take somebody out of the list."""
    await _change(arguments, world, "removed", lambda client, user_id, a: client.contacts.remove(user_id))


async def remark(arguments: argparse.Namespace, world: World) -> None:
    """Note what one calls a contact."""
    text = " ".join(arguments.text)
    await _change(arguments, world, "noted", lambda client, user_id, a: client.contacts.set(user_id, remark=text))


async def label(arguments: argparse.Namespace, world: World) -> None:
    """Replace a contact's labels."""
    await _change(
        arguments, world, "labelled", lambda client, user_id, a: client.contacts.set(user_id, labels=a.labels)
    )


async def star(arguments: argparse.Namespace, world: World) -> None:
    """Star a contact, or no more."""
    done = "no longer starred" if arguments.off else "starred"
    await _change(arguments, world, done, lambda client, user_id, a: client.contacts.set(user_id, starred=not a.off))


async def block(arguments: argparse.Namespace, world: World) -> None:
    """Block somebody."""
    await _change(arguments, world, "blocked", lambda client, user_id, a: client.contacts.block(user_id))


async def unblock(arguments: argparse.Namespace, world: World) -> None:
    """Block somebody no more."""
    await _change(
        arguments, world, "no longer blocked", lambda client, user_id, a: client.contacts.block(user_id, False)
    )
