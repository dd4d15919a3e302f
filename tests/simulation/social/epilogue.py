"""When all is calm everybody types and reads once more: what is told in passing must reach those whom it is for.

While things go wrong it may be lost, and nobody can say what should have come; now it must come, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from imchat.client.values import Receipt
from tests.simulation.social.rows import Rows
from tests.simulation.social.watch import Watch
from tests.simulation.social.world import SocialDevice

ON_ITS_WAY = 5.0
"""So many seconds after two may not talk any more a notice of typing may still come."""

UNTIL_THE_SWEEP = 75.0
"""So many more where nodes may not have heard that they may not: then they look for themselves, every minute."""


class Epilogue:
    """What is done at the end.

    Args:
        devices: All that are used.
        watch: Knows who might talk to whom.
        rows: What is stored before.
    """

    def __init__(self, devices: Sequence[SocialDevice], watch: Watch, rows: Rows) -> None:
        self._devices = devices
        self._watch = watch
        self._rows = rows
        self._typed: list[tuple[int, int, int]] = []
        self._read: list[tuple[int, int, int]] = []
        self._start = 0.0
        self._late = ON_ITS_WAY + (UNTIL_THE_SWEEP if devices[0].world.conditions.faults else 0.0)

    def begin(self) -> None:
        """Everybody does it at one device."""
        self._start = self._devices[0].world.timeline.now
        one_of_each = {device.person.user_id: device for device in reversed(self._devices)}
        for _, device in sorted(one_of_each.items()):
            if device.process is not None:
                device.process.enter(self._do, device)

    def _do(self, device: SocialDevice) -> None:
        rows, user_id, client = self._rows, device.person.user_id, device.client
        for conversation_id, members in rows.members.items():
            if user_id not in members:
                continue
            peer_id = next(member for member in members if member != user_id)
            last_seq = rows.heads[conversation_id]["last_seq"]
            if rows.may_talk(user_id, peer_id):
                self._typed.append((conversation_id, user_id, peer_id))
                client.in_background("typing", client.conversations.typing(conversation_id))
            if rows.reading(conversation_id, user_id).read_seq < last_seq:
                self._read.append((conversation_id, user_id, peer_id))
                client.in_background("reading", client.conversations.mark_read(conversation_id, last_seq))

    # --- what came of it

    def problems(self, rows: Rows) -> Iterator[str]:
        """What did not come, and what should not have."""
        for device in self._devices:
            yield from self._typing(device)
            yield from self._receipts(device, rows)

    def _typing(self, device: SocialDevice) -> Iterator[str]:
        own_id = device.person.user_id
        new = {(conversation_id, user_id) for when, conversation_id, user_id in device.typed if when >= self._start}
        for conversation_id, user_id, peer_id in self._typed:
            if peer_id == own_id and (conversation_id, user_id) not in new:
                yield f"typing: {device.name} does not see {user_id} type in {conversation_id}"
        for when, conversation_id, user_id in device.typed:
            pair = min(user_id, own_id), max(user_id, own_id)
            if not self._watch.was("may", pair, True, when - self._late, when):
                yield f"typing: {device.name} sees {user_id} type in {conversation_id}, who may not talk to them"

    def _receipts(self, device: SocialDevice, rows: Rows) -> Iterator[str]:
        for conversation_id, user_id, peer_id in self._read:
            if peer_id == device.person.user_id and rows.takes_receipts(peer_id, user_id):
                told, due = device.receipts.get((conversation_id, user_id)), rows.receipt(conversation_id, user_id)
                if told is None or told.read_seq < due.read_seq:
                    yield f"receipts: {device.name} was told {told} of {user_id} in {conversation_id}, is {due}"
        for (conversation_id, user_id), told in device.receipts.items():
            yield from self._not_too_much(device, told, rows.receipt(conversation_id, user_id), rows)

    def _not_too_much(self, device: SocialDevice, told: Receipt, due: Receipt, rows: Rows) -> Iterator[str]:
        where = f"receipts: {device.name} was told {told}"
        if told.delivered_seq > due.delivered_seq or told.read_seq > due.read_seq:
            yield f"{where}, which is more than {due}"
        new = (told.conversation_id, told.user_id, device.person.user_id) in self._read
        reads = self._rows.receipt(told.conversation_id, told.user_id).read_seq < told.read_seq
        if new and reads and not rows.takes_receipts(device.person.user_id, told.user_id):
            yield f"{where}, and should be told nothing"


def receipts_asked(device: SocialDevice, rows: Rows) -> Iterator[str]:
    """Where a device was answered something else than is stored, when it asked how far the others are."""
    own_id = device.person.user_id
    for conversation_id, members in rows.members.items():
        if own_id in members:
            (peer_id,) = set(members) - {own_id}
            due = (rows.receipt(conversation_id, peer_id),) if rows.takes_receipts(own_id, peer_id) else ()
            told = device.answered.get(conversation_id)
            if told != due:
                yield f"receipts: {device.name} was answered {told} in {conversation_id}, should be {due}"
