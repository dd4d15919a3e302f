"""Faults planted on purpose among scripted people, and how they must come to light.

``python -m tests.simulation.social.planted`` tells in which seed it finds each, and by what; names limit it to these.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from imchat.client.mirror import Mirror
from imchat.domain.content import Note
from imchat.domain.kinds import ContentKind
from imchat.domain.messages import Recalled
from imchat.domain.models import Draft, Stored
from imchat.domain.notes import MessagesDeleted
from imchat.store.sql.append import flush
from imchat.store.sql.effects import Effects
from imchat.store.sql.streams import SqlStreams
from tests.simulation.social.run import run_social
from tests.simulation.social.world import SocialWorld
from tests.simulation.worker import quiet

SEEDS = 12
"""Within so many seeds each fault must come to light."""


class _Instead:
    """Stands before something and does some of it otherwise."""

    def __init__(self, real: Any, **otherwise: Any) -> None:
        self._real = real
        vars(self).update(otherwise)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


# --- what is stored


class _Streams(SqlStreams):
    """Streams whose flush does something else than it should to messages that exist, to reactions and to readings."""

    def __init__(self, streams: Any, change: Callable[[Effects], None]) -> None:
        super().__init__(streams._writer, streams._reader)
        self._change = change

    async def flush(self, drafts: Sequence[Draft], permit: Any) -> Any:
        def run(tx: Any) -> Any:
            def store(_: Any, heads: Any, rows: Any, effects: Effects, last: bool) -> None:
                self._change(effects)
                tx.dialect.store(tx, heads, rows, effects, False)

            return flush(_Instead(tx, dialect=_Instead(tx.dialect, store=store)), drafts, permit, True)

        return await self._writer.run("flush", run)


class _BrokenEffects(SocialWorld):
    def build_streams(self, base, streams):
        return _Streams(streams, self.change)

    def change(self, effects: Effects) -> None:
        """What is done to them."""
        raise NotImplementedError


class CountsOwnMessages(_BrokenEffects):
    """One's own message does not move the position up to which one has read."""

    def change(self, effects):
        effects.readings = [(*row[:2], 0, 0, row[4]) for row in effects.readings if row[4]]


class LeavesReactions(_BrokenEffects):
    """A recall leaves the reactions to the message."""

    def change(self, effects):
        effects.cleared = []


class ForgetsMentions(_BrokenEffects):
    """Nobody is noted as mentioned."""

    def change(self, effects):
        effects.readings = [(*row[:4], 0) for row in effects.readings if row[2]]


class KeepsWhatWasRecalled(_BrokenEffects):
    """The content of a recalled message stays in the database."""

    def change(self, effects):
        effects.targets = [replace(row, content=None) if row.content == b"" else row for row in effects.targets]


class AsksNobodyUnderTheLock(SocialWorld):
    """Whether somebody may write is not asked under the lock, only before."""

    def build_streams(self, base, streams):
        inner = streams.flush
        return _Instead(streams, flush=lambda drafts, permit: inner(drafts, lambda draft, membership: None))


class EditsDoNotReach(SocialWorld):
    """An edit goes out without the message as it stands now."""

    def build_streams(self, base, streams):
        async def flushed(drafts, permit):
            result = await streams.flush(drafts, permit)
            outcomes = [self._poor(outcome) for outcome in result.outcomes]
            return (
                result._replace(outcomes=outcomes)
                if hasattr(result, "_replace")
                else replace(result, outcomes=outcomes)
            )

        return _Instead(streams, flush=flushed)

    def _poor(self, outcome: Any) -> Any:
        if isinstance(outcome, Stored) and outcome.event.kind == ContentKind.EDITED:
            return replace(outcome, event=replace(outcome.event, target=None))
        return outcome


# --- what is told


def _without(announce: Any, untold: Callable[[int, Note], bool]) -> Any:
    return lambda notes: announce([(user_id, note) for user_id, note in notes if not untold(user_id, note)])


def _saying_nothing_new(announce: Any) -> Any:
    # As many as are due: the store asks which of them came to be.
    return lambda notes: announce([(user_id, replace(note, seq=0, ordinal=0)) for user_id, note in notes])


class TellsNoReadPosition(SocialWorld):
    """What was read at one device is not told to the others."""

    def build_database(self, base):
        database = super().build_database(base)
        positions = database.positions
        database.positions = _Instead(
            positions, mark_read=lambda marks, announce: positions.mark_read(marks, _saying_nothing_new(announce))
        )
        return database


class TellsNoDeletion(SocialWorld):
    """What was deleted for oneself is not told to one's other devices."""

    def build_database(self, base):
        database = super().build_database(base)
        states = database.own_states

        def delete(*given):
            *before, announce = given
            return states.delete(*before, _without(announce, lambda _, note: isinstance(note, MessagesDeleted)))

        database.own_states = _Instead(states, delete=delete)
        return database


class TellsOneSideAlone(SocialWorld):
    """A change between two people is told to the one who made it alone."""

    def build_database(self, base):
        database = super().build_database(base)
        contacts = database.contacts

        def change(user_id, peer_id, rule, conversation_id, announce, now_ms):
            announce = _without(announce, lambda told, _: told == peer_id)
            return contacts.change(user_id, peer_id, rule, conversation_id, announce, now_ms)

        database.contacts = _Instead(contacts, change=change)
        return database


class ForgetsWhoUnblocks(SocialWorld):
    """Who blocked somebody and does not any more is not shown to them again."""

    def build_chat_node(self, *given):
        node = super().build_chat_node(*given)

        async def gain(live, allowed):
            return None

        node._watching._gain = gain
        return node


# --- what a device shows


class _Deaf(Mirror):
    async def _handle(self, turn):
        if not isinstance(turn.event.content, Recalled):
            await super()._handle(turn)


class MissesRecalls(SocialWorld):
    """A device goes on showing what was recalled."""

    def build_mirror(self, device, outside, handler, options):
        return _Deaf(outside, options, handler)


@dataclass(frozen=True)
class Planted:
    """A planted fault.

    Attributes:
        world: Where it is planted; says what it is.
        codes: Of which one at least must come up.
    """

    world: type[SocialWorld]
    codes: tuple[str, ...]


PLANTED = (
    Planted(CountsOwnMessages, ("unread",)),
    Planted(LeavesReactions, ("acts",)),
    Planted(ForgetsMentions, ("mentions",)),
    Planted(KeepsWhatWasRecalled, ("acts",)),
    Planted(AsksNobodyUnderTheLock, ("not_permitted",)),
    Planted(EditsDoNotReach, ("disagrees",)),
    Planted(TellsNoReadPosition, ("notes", "disagrees")),
    Planted(TellsNoDeletion, ("notes", "disagrees")),
    Planted(TellsOneSideAlone, ("notes", "disagrees")),
    Planted(ForgetsWhoUnblocks, ("disagrees",)),
    Planted(MissesRecalls, ("disagrees",)),
)


def find(planted: Planted) -> tuple[int, str] | None:
    """The first seed in which a planted fault comes to light, and by what."""
    for seed in range(1, SEEDS + 1):
        for line in run_social(seed, planted.world).violations:
            if line.startswith(tuple(f"{code}: " for code in planted.codes)):
                return seed, line
    return None


def main(names: list[str]) -> None:
    """Print how each planted fault comes to light."""
    quiet()
    for planted in PLANTED:
        if not names or planted.world.__name__ in names:
            found = find(planted)
            print(f"{planted.world.__name__}: {planted.world.__doc__}", flush=True)
            print(f"    seed {found[0]}: {found[1]}" if found else f"    not found in {SEEDS} seeds", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
