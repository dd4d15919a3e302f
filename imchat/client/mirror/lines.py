"""The messages of a conversation: what was read of them, and the acts that came since.

Acts are kept beside the messages and laid over them when they are shown. So it does not matter whether an act or the
message comes first, nor how often: a message tells by ``changed_seq`` which acts it knows already.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from imchat.client.inbox import Received
from imchat.client.mirror.state import Talk
from imchat.domain.messages import Edited, Message, Reacted, Recalled
from imchat.domain.models import EventState, Reaction


def act_target(event: Received) -> int:
    """The seq of the message that an event is an act on; 0: it is none."""
    return event.content.seq if isinstance(event.content, Recalled | Edited | Reacted) else 0


def put_lines(talk: Talk, events: Iterable[Received]) -> Talk:
    """Take messages over where they are newer than what is there."""
    lines, acts = dict(talk.lines), dict(talk.acts)
    for event in events:
        known = lines.get(event.seq)
        if known is None or _age(event) >= _age(known):
            lines[event.seq] = event if known is None else _with_quote(event, known)
            if event.seq in acts:
                acts[event.seq] = {seq: act for seq, act in acts[event.seq].items() if seq > event.changed_seq}
    return _trimmed(replace(talk, lines=lines, acts={seq: some for seq, some in acts.items() if some}))


def _age(line: Received) -> tuple[int, bool, bool]:
    # Of two that know the same acts the one whose content was kept long enough is newer: no act tells of that. Else the
    # one from a read tells more: the acknowledgement has no quote.
    return line.changed_seq, line.state is EventState.EXPIRED, line.quote is not None


def _with_quote(line: Received, known: Received) -> Received:
    # Acknowledgements and lists tell a reply without what it quotes, which stays the same message.
    replies = isinstance(line.content, Message) and line.content.reply_to
    return replace(line, quote=known.quote) if replies and line.quote is None else line


def put_act(talk: Talk, act: Received) -> Talk:
    """Take an act over, unless the message knows it."""
    target = act_target(act)
    line = talk.lines.get(target)
    if line is not None and line.changed_seq >= act.seq:
        return talk
    some = {**talk.acts.get(target, {}), act.seq: act}
    return replace(talk, acts=_bounded({**talk.acts, target: some}, talk))


def _trimmed(talk: Talk) -> Talk:
    if len(talk.lines) <= talk.room:
        return talk
    kept = sorted(talk.lines)[-talk.room :]
    lines = {seq: talk.lines[seq] for seq in kept}
    acts = {seq: some for seq, some in talk.acts.items() if seq in lines or seq not in talk.lines}
    return replace(talk, lines=lines, acts=acts, floor=max(talk.floor, kept[0]))


def _bounded(acts: Mapping[int, Mapping[int, Received]], talk: Talk) -> Mapping[int, Mapping[int, Received]]:
    # Acts on what is not in the window are for pages of history that are under way.
    beyond = [target for target in acts if target not in talk.lines]
    if len(beyond) <= talk.room:
        return acts
    oldest = min(beyond, key=lambda target: max(acts[target]))
    return {target: some for target, some in acts.items() if target != oldest}


def laid_over(line: Received, acts: Mapping[int, Received], user_id: int) -> Received:
    """A message as it stands after the acts that it does not know yet."""
    newer = [acts[seq] for seq in sorted(acts) if seq > line.changed_seq]
    shown = line
    for act in newer:
        shown = _after(shown, act)
    reactions = () if shown.state is EventState.RECALLED else _reactions(line.reactions, newer, user_id)
    return replace(shown, reactions=reactions)


def _after(line: Received, act: Received) -> Received:
    changed = max(line.changed_seq, act.seq)
    if line.state in (EventState.RECALLED, EventState.EXPIRED):
        return replace(line, changed_seq=changed)
    if isinstance(act.content, Recalled):
        return replace(line, state=EventState.RECALLED, content=None, changed_seq=changed)
    if isinstance(act.content, Edited) and act.target is not None:
        # The target may have been read after later edits: then those that follow tell the same or nothing newer.
        return replace(line, state=act.target.state, content=act.target.content, changed_seq=changed)
    return replace(line, changed_seq=changed)


def _reactions(known: Iterable[Reaction], acts: Iterable[Received], user_id: int) -> tuple[Reaction, ...]:
    counts = {one.emoji: one for one in known}
    for act in acts:
        if isinstance(act.content, Reacted):
            own, emoji, step = act.sender_id == user_id, act.content.emoji, -1 if act.content.removed else 1
            before = counts.get(emoji) or Reaction(emoji, 0, False)
            counts[emoji] = Reaction(emoji, before.count + step, step > 0 if own else before.own)
    return tuple(counts[emoji] for emoji in sorted(counts) if counts[emoji].count > 0)
