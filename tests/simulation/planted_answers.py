"""Faults planted in what a store answers: who may, and what is known already."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from imchat.domain.errors import Forbidden
from imchat.domain.models import Draft, EventRange, Refused, Stored
from imchat.ports import FlushResult, Permit
from tests.simulation.planted_stores import BrokenStreams
from tests.simulation.world import World


class _ForgetfulStreams(BrokenStreams):
    """Stores what was stored once more, under an id of its own."""

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        result = await super().flush(drafts, permit)
        outcomes = list(result.outcomes)
        again = [place for place, outcome in enumerate(outcomes) if isinstance(outcome, Stored) and outcome.resent]
        anew = [replace(drafts[place], client_id=self.ids.client_id(), refusal=None) for place in again]
        if anew:
            second = await super().flush(anew, permit)
            for place, outcome in zip(again, second.outcomes, strict=True):
                outcomes[place] = outcome
        return FlushResult(outcomes, result.reloaded)


class SkipsTheResendCheck(World):
    """A message that comes again is taken for a new one."""

    def build_streams(self, base, streams):
        return _ForgetfulStreams(base, streams)


class _StrictStreams(BrokenStreams):
    """Refuses what is stored already."""

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        result = await super().flush(drafts, permit)
        outcomes = [
            Refused(Forbidden.code) if isinstance(outcome, Stored) and outcome.resent else outcome
            for outcome in result.outcomes
        ]
        return FlushResult(outcomes, result.reloaded)


class RefusesResends(World):
    """A resend is refused as a new message would be whose sender was removed since."""

    def build_streams(self, base, streams):
        return _StrictStreams(base, streams)


class _BlindStreams(BrokenStreams):
    """Does not look again where the members that a node remembers are out of date, or where it remembers none."""

    async def flush(self, drafts: Sequence[Draft], permit: Permit) -> FlushResult:
        return await super().flush(drafts, lambda draft, membership: None)


class TrustsStaleMembers(World):
    """The version of the members says that permission must be checked again, and nobody does."""

    def build_streams(self, base, streams):
        return _BlindStreams(base, streams)


class _OpenStreams(BrokenStreams):
    """Reads for anybody as for a member."""

    async def read(self, stream_id: int, reader_id: int, **bounds: Any) -> EventRange | None:
        find = "SELECT user_id FROM member WHERE conversation_id = ?"
        member = await self._reader.run("a member", lambda tx: tx.one(find, (stream_id,)))
        return await super().read(stream_id, reader_id if member is None else member[0], **bounds)


class ShowsHistoryToStrangers(World):
    """What was said is read by those who were never there."""

    def build_streams(self, base, streams):
        return _OpenStreams(base, streams)
