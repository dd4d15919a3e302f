"""Faults planted on purpose among scripted people, and how they must come to light.

``python -m tests.simulation.social.planted`` tells in which seed it finds each, and by what; names limit it to these.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from imchat.client.mirror import Mirror
from imchat.domain.content import Note
from imchat.domain.errors import TooLate
from imchat.domain.kinds import ContentKind
from imchat.domain.messages import Recalled
from imchat.domain.models import Draft, Refused, Stored
from imchat.domain.notes import ConversationState, MessagesDeleted
from imchat.ports import ReceiptMoved, TypingSeen
from imchat.store.sql.append import flush
from imchat.store.sql.effects import Effects
from imchat.store.sql.streams import SqlStreams
from tests.simulation.social.run import run_social
from tests.simulation.social.world import SocialWorld, social_conditions
from tests.simulation.worker import quiet

SEEDS = 6
"""Within so many seeds each fault must come to light."""

SETTLE = 12.0
"""For so long they wait for the world to come to rest, in simulated seconds."""


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


class ShowsPresenceToAnybody(SocialWorld):
    """Who blocks somebody, or is no contact of theirs any more, is still seen by them."""

    def build_database(self, base):
        database = super().build_database(base)

        async def visible_to(viewer_id, peer_ids):
            return set(peer_ids)

        database.contacts = _Instead(database.contacts, visible_to=visible_to)
        return database


class _Aside(SocialWorld):
    untold: type

    def build_chat_node(self, *given):
        node = super().build_chat_node(*given)
        tell = node._asides.tell
        node._asides.tell = lambda asides: tell([one for one in asides if not isinstance(one, self.untold)])
        return node


class TellsNoReceipts(_Aside):
    """How far others are is told to those alone who ask."""

    untold = ReceiptMoved


class TellsNobodyWhoTypes(_Aside):
    """Nobody is told that another types."""

    untold = TypingSeen


class RemembersWhoMayTalk(SocialWorld):
    """A node goes on by what it remembers of who may talk to whom."""

    def build_chat_node(self, *given):
        node = super().build_chat_node(*given)
        node._memberships = _Instead(node._memberships, drop=lambda conversation_id: None)
        return node


class RefusesRecalls(SocialWorld):
    """It is too late for any recall."""

    def build_streams(self, base, streams):
        async def flush(drafts, permit):
            late = {place for place, draft in enumerate(drafts) if draft.kind == ContentKind.RECALLED}
            result = await streams.flush([draft for place, draft in enumerate(drafts) if place not in late], permit)
            outcomes = iter(result.outcomes)
            all_of_them = [Refused(TooLate.code) if place in late else next(outcomes) for place in range(len(drafts))]
            return replace(result, outcomes=all_of_them)

        return _Instead(streams, flush=flush)


# --- what a device shows


class _Deaf(Mirror):
    async def _handle(self, turn):
        if not isinstance(turn.event.content, Recalled):
            await super()._handle(turn)


class _Unpinned(Mirror):
    async def _handle(self, turn):
        if not isinstance(turn.event.content, ConversationState):
            await super()._handle(turn)


class MissesPins(SocialWorld):
    """A device does not hear what was pinned, muted or hidden at another."""

    def build_mirror(self, device, outside, handler, options):
        return _Unpinned(outside, options, handler)


class MissesRecalls(SocialWorld):
    """A device goes on showing what was recalled."""

    def build_mirror(self, device, outside, handler, options):
        return _Deaf(outside, options, handler)


@dataclass(frozen=True)
class Planted:
    """A planted fault.

    Attributes:
        world: Where it is planted; says what it is.
        says: What a violation must say that brings it to light, as a pattern from its beginning on.
        first: A seed from which on it is looked for: one that finds it soon.
    """

    world: type[SocialWorld]
    says: str
    first: int = 2


PLANTED = (
    Planted(CountsOwnMessages, r"unread: .* own message"),
    Planted(LeavesReactions, r"acts: .* has the reactions .* should have \[\]"),
    Planted(ForgetsMentions, r"mentions: .* mention_seq 0, and \d+ mentions them"),
    Planted(KeepsWhatWasRecalled, r"acts: .* was recalled, and has "),
    Planted(AsksNobodyUnderTheLock, r"not_permitted: .* may not talk"),
    Planted(EditsDoNotReach, r"disagrees: .*/content is .*edited'"),
    Planted(RefusesRecalls, r"refused: .* recalled: too_late, and nothing speaks for it"),
    Planted(TellsNoReadPosition, r"notes: .* is read up to \d+, told was ReadPosition"),
    Planted(TellsNoDeletion, r"notes: .*(cleared up to|other messages are deleted)"),
    Planted(TellsOneSideAlone, r"notes: .*(contacts|pending) are"),
    Planted(ForgetsWhoUnblocks, r"unsettled: (card|presence): "),
    Planted(ShowsPresenceToAnybody, r"unsettled: presence: .*ONLINE.* should be .*OFFLINE"),
    Planted(TellsNoReceipts, r"receipts: .* was told .* is Receipt"),
    Planted(TellsNobodyWhoTypes, r"typing: .* does not see"),
    Planted(RemembersWhoMayTalk, r"typing: .* who may not talk to them|receipts: .* should be told nothing", 12),
    Planted(MissesPins, r"disagrees: .*/(pinned_ms|muted|hidden) is"),
    Planted(MissesRecalls, r"disagrees: .*/state is 'NORMAL', should be 'RECALLED'"),
)


def find(planted: Planted) -> tuple[int, str] | None:
    """The first seed in which a planted fault comes to light, and by what."""
    for seed in range(planted.first, planted.first + SEEDS):
        # What is not shown now will not be shown later either.
        given = replace(social_conditions(seed), plain_database=True, nodes=2, messages=300, settle=SETTLE)
        for line in run_social(seed, planted.world, given).violations:
            if re.match(planted.says, line):
                return seed, line
    return None


def main(names: list[str]) -> None:
    """Print how each planted fault comes to light."""
    quiet()
    for planted in PLANTED:
        if not names or planted.world.__name__ in names:
            found = find(planted)
            print(f"{planted.world.__name__}: {planted.world.__doc__}", flush=True)
            print(f"    seed {found[0]}: {found[1][:300]}" if found else f"    not found in {SEEDS} seeds", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
