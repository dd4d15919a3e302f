"""Faults for scripted people to find: in what servers store, in what they tell, in what a device shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
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
from tests.simulation.social.world import SocialWorld


class Instead:
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

            return flush(Instead(tx, dialect=Instead(tx.dialect, store=store)), drafts, permit, True)

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
        return Instead(streams, flush=lambda drafts, permit: inner(drafts, lambda draft, membership: None))


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

        return Instead(streams, flush=flushed)

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
        database.positions = Instead(
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

        database.own_states = Instead(states, delete=delete)
        return database


class TellsOneSideAlone(SocialWorld):
    """A change between two people is told to the one who made it alone."""

    def build_database(self, base):
        database = super().build_database(base)
        contacts = database.contacts

        def change(user_id, peer_id, rule, conversation_id, announce, now_ms):
            announce = _without(announce, lambda told, _: told == peer_id)
            return contacts.change(user_id, peer_id, rule, conversation_id, announce, now_ms)

        database.contacts = Instead(contacts, change=change)
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

        database.contacts = Instead(database.contacts, visible_to=visible_to)
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
        node._memberships = Instead(node._memberships, drop=lambda conversation_id: None)
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

        return Instead(streams, flush=flush)


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
