"""What somebody sees, as flat values by path: of the rows of the database, and of a device's mirror.

Both are written down independently of each other, so that they can be compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import fields, is_dataclass, replace

from imchat.client import Received
from imchat.client.mirror import MirrorState, conversations, messages, newest, title
from imchat.domain.messages import Message, Text
from imchat.domain.models import EventState
from tests.simulation.social.rows import EventRow, Rows

Sight = dict[str, object]
"""Path to value."""

QUOTED = 100


def _flat(path: str, value: object) -> Iterator[tuple[str, object]]:
    if is_dataclass(value) and not isinstance(value, Message):
        for field in fields(value):
            yield from _flat(f"{path}/{field.name}", getattr(value, field.name))
    else:
        yield path, value


# --- the database


def due(rows: Rows, user_id: int) -> Sight:
    """What a user must see."""
    sight: Sight = dict(_flat("profile", rows.profile(user_id)))
    for peer_id, contact in rows.contacts[user_id].items():
        if contact.is_contact or contact.blocked:
            sight.update(_flat(f"contact {peer_id}", contact))
        if contact.is_contact and rows.may_watch(user_id, peer_id):
            sight.update(_flat(f"card {peer_id}", rows.card(peer_id)))
    for (peer_id, incoming), request in rows.pending(user_id).items():
        sight.update(_flat(f"request {peer_id} {_way(incoming)}", request))
    mine = [conversation_id for conversation_id, members in rows.members.items() if user_id in members]
    for conversation_id in mine:
        sight.update(_talk_due(rows, conversation_id, user_id))
    sight["order"] = _order_due(rows, mine, user_id)
    return sight


def _order_due(rows: Rows, conversation_ids: Iterable[int], user_id: int) -> tuple[int, ...]:
    """Pinned ones first, then newest first."""

    def key(conversation_id: int) -> tuple[int, int, int]:
        pinned_ms = rows.reading(conversation_id, user_id).pinned_ms
        return -pinned_ms, -rows.heads[conversation_id]["last_ms"], -conversation_id

    return tuple(sorted(conversation_ids, key=key))


def _way(incoming: bool) -> str:
    return "incoming" if incoming else "outgoing"


def _talk_due(rows: Rows, conversation_id: int, user_id: int) -> Iterator[tuple[str, object]]:
    path = f"talk {conversation_id}"
    head, own = rows.heads[conversation_id], rows.reading(conversation_id, user_id)
    yield f"{path}/kind", rows.kinds[conversation_id]
    yield f"{path}/members", tuple(sorted(set(rows.members[conversation_id]) - {user_id}))
    for name in ("last_seq", "last_message_seq", "last_ms"):
        yield f"{path}/{name}", head[name]
    yield f"{path}/unread", head["counted"] - own.read_ordinal
    yield f"{path}/mentioned", own.mention_seq > own.read_seq
    yield f"{path}/read_seq", own.read_seq
    yield f"{path}/pinned_ms", own.pinned_ms
    yield f"{path}/muted", bool(own.muted)
    yield f"{path}/hidden", own.hidden_seq > 0 and head["last_message_seq"] <= own.hidden_seq
    yield f"{path}/cleared_seq", own.cleared_seq
    newest = rows.event(conversation_id, head["last_message_seq"])
    seen = newest is not None and _visible(rows, newest, user_id)
    yield f"{path}/preview", (newest.seq, newest.state.name, newest.content) if newest is not None and seen else None
    yield from _title_due(rows, conversation_id, user_id)
    for event in rows.events[conversation_id]:
        if (event.is_message or event.sender_id == 0) and _visible(rows, event, user_id):
            yield from _line_due(rows, event, user_id)


def _title_due(rows: Rows, conversation_id: int, user_id: int) -> Iterator[tuple[str, object]]:
    (peer_id,) = set(rows.members[conversation_id]) - {user_id}
    contact, card = rows.contacts[user_id].get(peer_id), rows.card(peer_id)
    remark = contact.remark if contact else ""
    if remark or rows.may_watch(user_id, peer_id):
        # Of others what they call themselves is as old as when it was last looked at.
        yield f"talk {conversation_id}/title", remark or card.nickname or card.name


def _visible(rows: Rows, event: EventRow, user_id: int) -> bool:
    place = event.stream_id, user_id
    from_seq = rows.members[event.stream_id][user_id]
    deleted = rows.deleted.get((user_id, event.stream_id), ())
    return event.seq >= max(from_seq, rows.reading(*place).cleared_seq + 1) and event.seq not in deleted


def _line_due(rows: Rows, event: EventRow, user_id: int) -> Iterator[tuple[str, object]]:
    path = f"talk {event.stream_id}/#{event.seq}"
    yield f"{path}/sender", event.sender_id
    yield f"{path}/client_id", event.client_id.hex()
    yield f"{path}/content", event.content
    yield f"{path}/state", event.state.name
    yield f"{path}/changed_seq", event.changed_seq
    given = rows.reactions.get((event.stream_id, event.seq), set())
    yield f"{path}/reactions", _counts(given, user_id)
    yield f"{path}/quote", _quote_due(rows, event, user_id)


def _counts(given: set[tuple[str, int]], user_id: int) -> tuple[tuple[str, int, bool], ...]:
    emojis = sorted({emoji for emoji, _ in given})
    return tuple((one, sum(e == one for e, _ in given), (one, user_id) in given) for one in emojis)


def _quote_due(rows: Rows, event: EventRow, user_id: int) -> object:
    reply_to = event.content.reply_to if isinstance(event.content, Message) else 0
    target = rows.event(event.stream_id, reply_to)
    if target is None or not _visible(rows, target, user_id):
        return None
    return target.seq, target.state.name, _short(target.content)


def _short(content: object) -> object:
    # Of a quote only the body travels.
    if isinstance(content, Text):
        return content.text[:QUOTED]
    return replace(content, reply_to=0, mentions=(), forwarded=False) if isinstance(content, Message) else content


# --- a mirror


def shown(state: MirrorState) -> Sight:
    """What a mirror shows."""
    sight: Sight = dict(_flat("profile", state.profile))
    for peer_id, contact in state.contacts.items():
        sight.update(_flat(f"contact {peer_id}", contact))
    for peer_id, card in state.cards.items():
        sight.update(_flat(f"card {peer_id}", card))
    for (peer_id, incoming), request in state.requests.items():
        sight.update(_flat(f"request {peer_id} {_way(incoming)}", request))
    for conversation_id in state.talks:
        sight.update(_talk_shown(state, conversation_id))
    sight["order"] = tuple(talk.conversation_id for talk in conversations(state, hidden=True))
    return sight


def _talk_shown(state: MirrorState, conversation_id: int) -> Iterator[tuple[str, object]]:
    talk, path = state.talks[conversation_id], f"talk {conversation_id}"
    yield f"{path}/kind", talk.kind
    yield f"{path}/members", tuple(sorted(talk.member_ids))
    for name in ("last_seq", "last_message_seq", "last_ms"):
        yield f"{path}/{name}", getattr(talk, name)
    for name in ("unread", "mentioned", "read_seq", "pinned_ms", "muted", "hidden", "cleared_seq"):
        yield f"{path}/{name}", getattr(talk, name)
    preview = newest(state, conversation_id)
    yield f"{path}/preview", preview and (preview.seq, EventState(preview.state).name, preview.content)
    yield f"{path}/title", title(state, talk)
    for line in messages(state, conversation_id):
        yield from _line_shown(line)


def _line_shown(line: Received) -> Iterator[tuple[str, object]]:
    path = f"talk {line.stream_id}/#{line.seq}"
    yield f"{path}/sender", line.sender_id
    yield f"{path}/client_id", line.client_id.hex()
    yield f"{path}/content", line.content
    yield f"{path}/state", EventState(line.state).name
    yield f"{path}/changed_seq", line.changed_seq
    yield f"{path}/reactions", tuple((r.emoji, r.count, r.own) for r in line.reactions)
    quote = line.quote
    yield f"{path}/quote", None if quote is None else (quote.seq, quote.state.name, _short(quote.content))
