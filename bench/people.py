"""Users, sessions and conversations for the benchmarks, put into the database through the product's own stores.

The way through the gate would take a mail and a password hash for each of them.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from argon2 import PasswordHasher
from twisted.internet.defer import Deferred, gatherResults

from imchat.config import Config
from imchat.domain.accounts import email_key, name_key
from imchat.domain.models import Device, User
from imchat.domain.sessions import token_hash, token_text
from imchat.net.ids import SecureIds
from imchat.store.sql.database import Database

T = TypeVar("T")

PASSWORD = "a long enough password"
"""Of every user."""

_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Person:
    """A user with the session of one device."""

    user_id: int
    name: str
    device_id: str
    token: str


def password_hash() -> str:
    """The hash of :data:`PASSWORD` with the parameters that a gate has by default."""
    default = Config().gate.hashing
    hasher = PasswordHasher(default.passes, default.memory_kib, default.lanes, hash_len=32, salt_len=16)
    return hasher.hash(PASSWORD)


async def _in_turn(work: Iterable[Callable[[], Awaitable[T]]]) -> list[T]:
    """Do all of it, some at once; results in the order in which they came."""
    waiting, results = iter(work), []

    async def go_on() -> None:
        for one in waiting:
            results.append(await one())

    workers: list[Deferred[None]] = [Deferred.fromCoroutine(go_on()) for _ in range(_AT_ONCE)]
    await gatherResults(workers, consumeErrors=True)
    return results


async def add_people(database: Database, count: int, prefix: str) -> list[Person]:
    """Add users, each with a session.

    Args:
        prefix: Their names begin with it.
    """
    ids, hashed = SecureIds(), password_hash()

    async def add(number: int) -> Person:
        now_ms = int(time.time() * 1_000)
        name = f"{prefix}{number}"
        email = f"{name}@bench.example.org"
        user = User(ids.new_id(), name, email, hashed, now_ms)
        token = ids.token()
        await database.accounts.create(user, name_key(name), email_key(email), None, now_ms)
        await database.sessions.open(user.id, Device("bench", "bench", "bench"), token_hash(token), now_ms)
        return Person(user.id, name, "bench", token_text(token))

    return await _in_turn(partial(add, number) for number in range(count))


async def add_pairs(database: Database, people: list[Person]) -> list[dict[str, Any]]:
    """Let the first talk with the second, the third with the fourth, and so on.

    Returns:
        For each pair its ``conversation_id`` and its two ``ends``.
    """
    ids = SecureIds()

    async def add(one: Person, other: Person) -> dict[str, Any]:
        now_ms = int(time.time() * 1_000)
        opened = await database.conversations.open_direct(one.user_id, other.user_id, ids.new_id(), (), now_ms)
        if opened is None:
            raise LookupError("a user who was added is not there")
        ends = [{"user_id": p.user_id, "token": p.token, "device_id": p.device_id} for p in (one, other)]
        return {"conversation_id": opened.conversation_id, "ends": ends}

    couples = zip(people[::2], people[1::2], strict=True)
    return await _in_turn(partial(add, one, other) for one, other in couples)
