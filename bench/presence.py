"""What a login costs whatever the number of contacts: ``python -m bench.presence`` in a checkout, two minutes.

``--quick`` measures fewer people, within half a minute: enough for all but the CPU.

One chat node in this process, on SQLite and a Redis of its own, its clients on transports in memory. People have 10
contacts or 1,000, and conversations with 10 of them, or with all. Counted are the statements, the calls of Redis, and
the CPU of this process (threads and the client's own part of it included): of a login up to the Welcome and what
follows it, and of watching the first contacts of the list.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.internet.testing import StringTransport

from imchat.assemble import parts
from imchat.chat.node import ChatNode
from imchat.chat.settings import ChatSettings
from imchat.config import Config
from imchat.domain.models import Device, NodeAddress
from imchat.domain.sessions import token_hash, token_text
from imchat.net.background import sleep
from imchat.net.redis import RedisBus, RedisPool, RedisSettings
from imchat.ports import StatusPort
from imchat.store.memory import MemoryRateLimiter
from imchat.store.redis import RedisPresence
from imchat.store.sql.database import Database
from imchat.store.sql.transaction import Transaction
from imchat.store.sqlite import migrate, open_database
from imchat.testing import PrivateRedis
from imchat.wire import imchat_pb2 as pb
from imchat.wire.codec import encode
from imchat.wire.frames import FrameSplitter, frame

PEOPLE = 20
QUICK_PEOPLE = 3
"""Logins of each kind, of a user each."""

PAGE = 10
LONG_PAGE = 100
SETTLE = 0.4
"""Seconds until all that a request sets off is done; that the process waits costs no CPU."""

LIFETIME_MS = 30 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost, of several times: the fewest calls (the bus has a heartbeat of its own), the median CPU."""

    statements: float
    redis_calls: float
    cpu_ms: float


class Counting:
    """Counts from now on: statements of all transactions, and commands to Redis."""

    def __init__(self) -> None:
        self.statements = self.redis_calls = 0
        for kind, name in ((Transaction, "query"), (Transaction, "execute"), (Transaction, "execute_many")):
            self._wrap(kind, name, "statements", lambda args: 1)
        self._wrap(RedisPool, "_send", "redis_calls", lambda args: len(args[2]))
        self._wrap(RedisBus, "_subscribe", "redis_calls", lambda args: bool(args[1]))

    def _wrap(self, kind: Any, name: str, counter: str, count: Any) -> None:
        function = getattr(kind, name)

        def counting(*args: Any) -> Any:
            setattr(self, counter, getattr(self, counter) + count(args))
            return function(*args)

        setattr(kind, name, counting)

    def look(self) -> tuple[int, int, float]:
        """The counters, and the CPU that the process has used, in ms."""
        return self.statements, self.redis_calls, time.process_time() * 1_000


class NoStatus:
    """There is no status server."""

    async def report(self, report: object) -> None:
        """Not needed."""


class Client:
    """A connection whose transport is memory."""

    def __init__(self, node: ChatNode) -> None:
        self._protocol: Any = node.factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 40_000))
        self._transport = StringTransport()
        self._protocol.makeConnection(self._transport)

    def say(self, **body: Any) -> None:
        """Send a request."""
        self._protocol.dataReceived(frame(encode(pb.Frame(request_id=1, **body))))

    def heard(self) -> list[pb.Frame]:
        """What came since the last time."""
        payloads = FrameSplitter(2**24).feed(self._transport.value())
        self._transport.clear()
        return [pb.Frame.FromString(payload) for payload in payloads]


def _account(user_id: int) -> tuple[object, ...]:
    return user_id, f"user{user_id}", b"u%d" % user_id, "", b"e%d" % user_id, "", 0


def _rows(users: Sequence[int], contacts: Sequence[int], talks: int) -> Iterable[tuple[str, list[tuple[object, ...]]]]:
    pairs = [(user, peer, 10**9 + user * 10_000 + peer) for user in users for peer in contacts[:talks]]
    columns = "(user_id, name, name_key, email, email_key, password_hash, created_ms)"
    people = [*users, *contacts]
    yield f"INSERT OR IGNORE INTO account {columns} VALUES (?, ?, ?, ?, ?, ?, ?)", [_account(one) for one in people]
    heads = [(one, 0) for one in people] + [(talk, 1) for _, _, talk in pairs]
    yield "INSERT OR IGNORE INTO head VALUES (?, ?, 0, 0, 0, 0)", heads
    both = [row for user in users for peer in contacts for row in ((user, peer), (peer, user))]
    yield "INSERT INTO contact VALUES (?, ?, 1, 0, '', '', 0, 0)", both
    yield "INSERT INTO conversation (conversation_id, kind, created_ms) VALUES (?, 1, 0)", [(p[2],) for p in pairs]
    members = [row for user, peer, talk in pairs for row in ((talk, user), (talk, peer))]
    yield "INSERT INTO member (conversation_id, user_id, role) VALUES (?, ?, 0)", members
    yield "INSERT INTO period (conversation_id, user_id, from_seq, to_seq) VALUES (?, ?, 1, NULL)", members


async def _fill(database: Database, users: Sequence[int], contacts: Sequence[int], talks: int) -> None:
    def run(tx: Transaction) -> None:
        for statement, rows in _rows(users, contacts, talks):
            tx.execute_many(statement, rows)

    await database.writer.run("fill", run)


class Bench:
    """Measures on one node.

    Args:
        base: Of the process.
        database: The stores.
        node: The node.
        people: Logins of each kind.
    """

    def __init__(self, base: parts.Base, database: Database, node: ChatNode, people: int) -> None:
        self._people = people
        self._base = base
        self._database = database
        self._node = node
        self._counting = Counting()

    async def people(self, first: int, count: int, talks: int) -> dict[str, Cost]:
        """The costs for people who have so many contacts, and a conversation with so many of them."""
        users, contacts = range(first, first + self._people), range(first + 1_000, first + 1_000 + count)
        await _fill(self._database, users, contacts, talks)
        costs: dict[str, list[Cost]] = {}
        for user_id in users:
            token, device = self._base.ids.token(), Device("phone", "a phone", "android")
            await self._database.sessions.open(user_id, device, token_hash(token), self._base.now_ms())
            client = Client(self._node)
            hello = pb.Hello(protocol_version=1, token=token_text(token), device_id="phone")
            costs.setdefault("login", []).append(await self._cost(client, "welcome", hello=hello))
            for page in (PAGE, LONG_PAGE):
                if page <= count:
                    watch = pb.WatchPeople(add=contacts[-page:])
                    cost = await self._cost(client, "watched_people", watch_people=watch)
                    costs.setdefault(f"watching {page} of them", []).append(cost)
                    client.say(watch_people=pb.WatchPeople(remove=contacts[-page:]))
                    await sleep(self._base.reactor, SETTLE)
                    client.heard()
        return {name: _together(found) for name, found in costs.items()}

    async def _cost(self, client: Client, answer: str, **body: Any) -> Cost:
        before = self._counting.look()
        client.say(**body)
        await sleep(self._base.reactor, SETTLE)
        after = self._counting.look()
        answers = [message for message in client.heard() if message.WhichOneof("body") == answer]
        if len(answers) != 1 or len(answers[0].watched_people.people) != len(
            getattr(body.get("watch_people"), "add", ())
        ):
            raise AssertionError(f"no right answer: {answers}")
        return Cost(*(now - then for then, now in zip(before, after, strict=True)))


def _together(costs: Sequence[Cost]) -> Cost:
    return Cost(
        min(cost.statements for cost in costs),
        min(cost.redis_calls for cost in costs),
        statistics.median(cost.cpu_ms for cost in costs),
    )


def _number(value: float | None, width: int, places: int) -> str:
    return " " * width if value is None else f"{value:>{width}.{places}f}"


def _line(name: str, few: Cost | None, many: Cost) -> str:
    parts_ = [f"{name:32}"]
    for one, places in zip(fields(Cost), (0, 0, 2), strict=True):
        high, low = getattr(many, one.name), None if few is None else getattr(few, one.name)
        parts_ += [_number(low, 9, places), _number(high, 8, places), _number(low and high / low, 7, 2)]
    return "".join(parts_)


def _print(few: dict[str, Cost], many: dict[str, Cost], talks: dict[str, Cost]) -> None:
    print(" " * 32 + "".join(f"{title:>24}" for title in ("statements", "calls of Redis", "CPU, ms")))
    print(f"{'contacts':32}" + f"{'10':>9}{'1,000':>8}{'ratio':>7}" * 3)
    for name, cost in many.items():
        print(_line(name, few.get(name), cost))
    print(_line("login with 1,000 conversations", few["login"], talks["login"]))


async def _run(reactor: Any, directory: Path, people: int) -> None:
    redis = PrivateRedis(reactor, directory / "redis")
    await redis.start()
    base = parts.Base(Config(), reactor)
    migrate(directory / "imchat.sqlite")
    database = open_database(directory / "imchat.sqlite", reactor, base.now_ms, LIFETIME_MS)
    pool = RedisPool(reactor, RedisSettings(endpoint=f"tcp:127.0.0.1:{redis.port}"), base.ids.fraction)
    bus = RedisBus(reactor, pool, "bench", base.ids.new_id())
    presence: Any = RedisPresence(pool, pool.settings.prefix)
    pool.start()
    bus.start()
    address, status, settings = NodeAddress("127.0.0.1", 1), NoStatus(), ChatSettings()
    limiter, to_status = MemoryRateLimiter(base.now_ms), cast("StatusPort", status)
    node = parts.chat_node(base, "bench", address, database, bus, presence, to_status, limiter, settings)
    node.start()
    try:
        bench = Bench(base, database, node, people)
        await bench.people(10_000, 10, 10)
        _print(
            await bench.people(20_000, 10, 10),
            await bench.people(30_000, 1_000, 10),
            await bench.people(40_000, 1_000, 1_000),
        )
    finally:
        await node.drain()
        await bus.close()
        await pool.close()
        await database.close()
        await redis.stop()


def main(reactor: Any, *arguments: str) -> Deferred[None]:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.presence", description="What a login costs.")
    parser.add_argument("--quick", action="store_true", help="fewer people")
    people = QUICK_PEOPLE if parser.parse_args(arguments).quick else PEOPLE
    directory = tempfile.TemporaryDirectory(prefix="imchat-bench-")
    done = Deferred.fromCoroutine(_run(reactor, Path(directory.name), people))
    return done.addBoth(lambda result: (directory.cleanup(), result)[1])


if __name__ == "__main__":
    react(main, sys.argv[1:])
