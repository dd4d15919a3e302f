"""What happens in conversations."""

from __future__ import annotations

from dataclasses import replace

from imchat.client.inbox import Received
from imchat.client.mirror.lines import act_target, put_act, put_lines
from imchat.client.mirror.state import MirrorState, Talk
from imchat.domain.messages import Edited, Message
from imchat.domain.models import EventState

_GONE = (EventState.RECALLED, EventState.EXPIRED)


def apply_event(state: MirrorState, event: Received) -> MirrorState:
    """An event of a conversation."""
    talk = state.talk(event.stream_id)
    unlisted = talk.kind == 0 or _may_have_mentioned(talk, event, state.user_id)
    quoted = _unread_quote(talk, event)
    talk = _head(talk, event)
    talk = put_act(_mentioned(talk, event, state.user_id), event) if act_target(event) else put_lines(talk, (event,))
    if _is_message(event):
        talk = _counted(talk, event, state.user_id)
    stale = state.stale | {event.stream_id} if unlisted else state.stale
    doubtful = state.doubtful | {(event.stream_id, quoted)} if quoted else state.doubtful
    return replace(state, talks={**state.talks, event.stream_id: talk}, stale=stale, doubtful=doubtful)


def _unread_quote(talk: Talk, event: Received) -> int:
    """What an event quotes of which it is not known whether the user deleted it; 0: nothing such."""
    reply_to = event.content.reply_to if isinstance(event.content, Message) else 0
    told = reply_to <= talk.cleared_seq or reply_to in talk.deleted or 0 < talk.known_from <= reply_to
    return 0 if event.quote is None or told or reply_to in talk.lines else reply_to


def _is_message(event: Received) -> bool:
    # What is gone was one: nothing else can be recalled or expire.
    return isinstance(event.content, Message) or event.state in _GONE


def _may_have_mentioned(talk: Talk, event: Received, user_id: int) -> bool:
    # What was changed before it was read does not tell what it said before.
    if isinstance(event.content, Edited):
        target = event.target
        return target is not None and target.changed_seq > event.seq and target.seq > talk.read_seq
    changed = event.state is not EventState.NORMAL
    return changed and event.sender_id != user_id and event.seq > max(talk.read_seq, talk.last_seq)


def _mentioned(talk: Talk, event: Received, user_id: int) -> Talk:
    """An edit mentions where the message stands that it changes."""
    target = event.target
    if target is None or event.sender_id == user_id or not isinstance(event.content, Edited):
        return talk
    if isinstance(target.content, Message) and user_id in target.content.mentions:
        return replace(talk, mention_seq=max(talk.mention_seq, target.seq))
    return talk


def _head(talk: Talk, event: Received) -> Talk:
    return replace(
        talk,
        last_seq=max(talk.last_seq, event.seq),
        last_ms=max(talk.last_ms, event.created_ms),
        counted=max(talk.counted, event.ordinal),
        known_from=min(talk.known_from or event.seq, event.seq),
    )


def _counted(talk: Talk, event: Received, user_id: int) -> Talk:
    talk = replace(talk, last_message_seq=max(talk.last_message_seq, event.seq))
    if event.sender_id == user_id:
        return read_to(talk, event.seq, event.ordinal)
    if isinstance(event.content, Message) and user_id in event.content.mentions:
        return replace(talk, mention_seq=max(talk.mention_seq, event.seq))
    return talk


def read_to(talk: Talk, seq: int, ordinal: int) -> Talk:
    """The user has read up to there; it only moves forwards."""
    if seq <= talk.read_seq:
        return talk
    return replace(talk, read_seq=seq, read_ordinal=max(ordinal, talk.read_ordinal))


def deleted(talk: Talk, seqs: tuple[int, ...], through_seq: int) -> Talk:
    """The user has deleted messages for themselves."""
    cleared = max(talk.cleared_seq, through_seq)
    gone = frozenset(seq for seq in (*talk.deleted, *seqs) if seq > cleared)
    return replace(talk, cleared_seq=cleared, deleted=gone)
