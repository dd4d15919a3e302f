"""What a seed decides beforehand: how large the cluster is, how it is set, and how much happens in it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from imchat.chat.settings import ChatSettings
from imchat.domain.limits import Limit
from imchat.domain.permissions import ContactsPolicy
from imchat.domain.rates import SESSION_RATES


@dataclass(frozen=True, slots=True)
class Conditions:
    """All of it.

    Attributes:
        plain_database: The stores run on SQLite as they do in the embedded server, instead of the stand-in for MariaDB.
        nodes: Chat nodes.
        statuses: Status servers.
        users: People.
        devices: Devices at the beginning; each user has at least one.
        registered: So many of the users register by mail; the operator creates the others.
        bots: So many of the users' devices answer what they are asked.
        pairs: Conversations.
        messages: Messages to be handed to clients.
        faults: Faults to be injected.
        busy: For so many seconds people talk and things go wrong.
        settle: Within so many seconds after that all must be everywhere.
        chat: The settings of the chat nodes.
    """

    plain_database: bool = False
    nodes: int = 2
    statuses: int = 1
    users: int = 20
    devices: int = 34
    registered: int = 4
    bots: int = 3
    pairs: int = 26
    messages: int = 620
    faults: int = 26
    busy: float = 75.0
    settle: float = 300.0
    chat: ChatSettings = field(default_factory=lambda: ChatSettings(contacts=ContactsPolicy.OPEN))


def conditions(seed: int) -> Conditions:
    """The conditions of a seed."""
    random = Random(f"{seed} conditions")
    users = random.randint(20, 24)
    return Conditions(
        plain_database=seed % 10 == 0,
        nodes=random.choice((2, 2, 3, 3, 4)),
        statuses=random.choice((1, 2)),
        users=users,
        devices=users + random.randint(12, 18),
        registered=random.randint(3, 6),
        bots=random.randint(2, 4),
        pairs=users + random.randint(2, 10),
        messages=random.randint(600, 700),
        faults=random.randint(23, 30),
        chat=_chat_settings(random),
    )


def _chat_settings(random: Random) -> ChatSettings:
    """Sometimes so narrow that every bound is met."""
    return ChatSettings(
        contacts=ContactsPolicy.OPEN,
        limits=replace(
            SESSION_RATES, messages=random.choice((Limit(600, 60_000), Limit(600, 60_000), Limit(25, 10_000)))
        ),
        max_outstanding=random.choice((128, 128, 40)),
        max_pending=random.choice((10_000, 10_000, 20)),
        flush_drafts=random.choice((1_000, 1_000, 5)),
        flush_streams=random.choice((500, 500, 3)),
        fan_out=random.choice((500, 500, 1)),
        cached_members=random.choice((1_000_000, 1_000_000, 6)),
        revalidation_interval=random.choice((60, 60, 30)),
    )
