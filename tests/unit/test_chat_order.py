"""The promise of a sender, against clients that do at random what the protocol allows, and stores that fail before
and after the commit: what is acknowledged is stored once, and what one device says in one place keeps its order.
"""

from __future__ import annotations

import random
from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from imchat.chat.logic.connection import Hold
from imchat.chat.settings import ChatSettings
from imchat.domain.errors import Contended, Unavailable
from imchat.domain.limits import Limit
from imchat.domain.rates import SESSION_RATES
from tests.fakes.chat import MemoryStreams, membership
from tests.fakes.chat_rig import SendRig

TALKS = (100, 101, 102)
SEEDS = 300


class ModelClient:
    """A device with an outbox for each conversation, as docs/protocol.md tells clients to keep one.

    After a failure for a passing reason it either waits for all answers that are due in that conversation, or does not;
    then it sends the failed message and all later ones there again, in order, before anything new. A new connection
    begins with all that is not acknowledged.
    """

    def __init__(self, rig: SendRig, user_id: int, device: int, rng: random.Random) -> None:
        self.rig, self.user_id, self.rng = rig, user_id, rng
        self.device = f"device{device}"
        self.patient = rng.random() < 0.5
        self.first = (user_id * 10 + device) * 10_000
        self.written: dict[int, list[int]] = {talk: [] for talk in TALKS}
        self.sent: dict[int, int] = dict.fromkeys(TALKS, 0)
        self.due: dict[int, int] = dict.fromkeys(TALKS, 0)
        self.failed: set[int] = set()
        self.accepted: dict[int, int] = {}
        self.count = 0
        self.live = rig.join(user_id, self.device)
        self.read = 0

    def reconnect(self) -> None:
        self.take_answers()
        self.rig.leave(self.live)
        self.live = self.rig.join(self.user_id, self.device)
        self.read = 0
        self.failed.clear()
        for talk in TALKS:
            self.sent[talk] = self._acknowledged(talk)
            self.due[talk] = 0

    def _acknowledged(self, talk: int) -> int:
        numbers = self.written[talk]
        return next((i for i, number in enumerate(numbers) if number not in self.accepted), len(numbers))

    def take_answers(self) -> None:
        told = self.live.connection.told
        for entry in told[self.read :]:
            if entry[0] == "push":
                continue
            number = entry[1]
            talk = next(talk for talk in TALKS if number in self.written[talk])
            self.due[talk] -= 1
            if entry[0] == "accepted":
                assert self.accepted.setdefault(number, entry[2]) == entry[2], "two places for one message"
            else:
                assert entry[2] in ("unavailable", "rate_limited"), entry
                self.failed.add(talk)
                self.sent[talk] = min(self.sent[talk], self.written[talk].index(number))
        self.read = len(told)

    def write(self) -> None:
        self.count += 1
        self.written[self.rng.choice(TALKS)].append(self.first + self.count)

    def send_some(self) -> None:
        talk = self.rng.choice(TALKS)
        if talk in self.failed and self.patient and self.due[talk]:
            return
        self.failed.discard(talk)
        for _ in range(self.rng.randint(1, 4)):
            if self.sent[talk] < len(self.written[talk]) and Hold.PENDING not in self.live.connection.holds:
                self.due[talk] += 1
                self.sent[talk] += 1
                self.rig.send(self.live, talk, self.written[talk][self.sent[talk] - 1])

    @property
    def finished(self) -> bool:
        return self.count == len(self.accepted)


class OrderModelTests(SynchronousTestCase):
    def test_whatever_fails_order_and_once_hold(self) -> None:
        for seed in range(SEEDS):
            try:
                self._talk(seed)
            except AssertionError as error:
                raise AssertionError(f"seed {seed}: {error}") from error

    def _talk(self, seed: int) -> None:
        rng = random.Random(seed)
        streams = MemoryStreams(*(membership(talk, 1, 2) for talk in TALKS))
        streams.contended, streams.contention = {rng.choice(TALKS)}, None
        settings = ChatSettings(
            flush_drafts=rng.choice((1, 3, 1_000)),
            max_pending=rng.choice((5, 10_000)),
            limits=replace(SESSION_RATES, messages=Limit(rng.choice((5, 10_000)), 10_000)),
        )
        rig = SendRig(streams, settings)
        clients = [ModelClient(rig, user, device, rng) for user in (1, 2) for device in (1, 2)]
        streams.hold()
        for _ in range(150):
            self._step(rng, rig, streams, rng.choice(clients))
        self._settle(rig, streams, clients)
        self._check(rig, clients)

    def _step(self, rng: random.Random, rig: SendRig, streams: MemoryStreams, client: ModelClient) -> None:
        action = rng.random()
        if action < 0.3:
            client.write()
        elif action < 0.6:
            client.send_some()
        elif action < 0.75:
            client.take_answers()
        elif action < 0.78:
            client.reconnect()
        elif action < 0.8:
            streams.contention = rng.choice((None, lambda: Contended("locked")))
        elif action < 0.83:
            rig.clock.advance(rng.random() * 3)
        else:
            rig.run()
            if streams.waiting:
                error = Unavailable("gone")
                streams.faults = [rng.choice((None, None, None, error, ("after", error)))]
                streams.step()

    def _settle(self, rig: SendRig, streams: MemoryStreams, clients: list[ModelClient]) -> None:
        streams.faults, streams.contention = [], None
        for _ in range(2_000):
            rig.clock.advance(0.5)
            rig.run()
            if streams.waiting:
                streams.step()
            for client in clients:
                client.take_answers()
                client.send_some()
            if all(client.finished for client in clients) and rig.batcher.work.idle().called:
                return
        raise AssertionError("it does not settle")

    def _check(self, rig: SendRig, clients: list[ModelClient]) -> None:
        for talk in TALKS:
            stored = [int(text[1:]) for text in rig.texts(talk)]
            self.assertEqual(len(stored), len(set(stored)), "doubled")
            for client in clients:
                own = [number for number in stored if number in client.written[talk]]
                self.assertEqual(client.written[talk], own)
                self.assertEqual([stored.index(number) + 1 for number in own], [client.accepted[n] for n in own])
        self.assertEqual({}, rig.batcher._known)
