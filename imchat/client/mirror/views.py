"""What a device shows of its state, in order."""

from __future__ import annotations

from dataclasses import replace

from imchat.client.inbox import Received
from imchat.client.mirror.lines import laid_over
from imchat.client.mirror.state import MirrorState, Talk
from imchat.domain.contacts import EXPIRY_MS
from imchat.domain.content import Content, Custom, Message, Text
from imchat.domain.models import ConversationKind
from imchat.domain.people import Contact, ContactRequest

QUOTED = 100
"""Characters of a text that a quote shows."""


def contacts(state: MirrorState) -> list[Contact]:
    """The user's contacts: starred ones first, then by what they are called."""
    found = [contact for contact in state.contacts.values() if contact.is_contact]
    return sorted(found, key=lambda c: (not c.starred, called(state, c.user_id).casefold(), c.user_id))


def blocked(state: MirrorState) -> list[Contact]:
    """Those whom the user has blocked."""
    return sorted((c for c in state.contacts.values() if c.blocked), key=lambda c: c.user_id)


def requests(state: MirrorState, incoming: bool, now_ms: int) -> list[ContactRequest]:
    """Pending contact requests, newest first; without those that are expired at ``now_ms``, of which no event tells."""
    pending = (request for request in state.requests.values() if now_ms - request.changed_ms < EXPIRY_MS)
    found = [request for request in pending if request.incoming is incoming]
    return sorted(found, key=lambda r: (-r.created_ms, r.user_id))


def called(state: MirrorState, user_id: int) -> str:
    """What the user calls somebody: the remark, else the nickname, else the name."""
    contact, card = state.contacts.get(user_id), state.cards.get(user_id)
    names = (contact.remark if contact else "", card.nickname if card else "", card.name if card else "")
    return next(filter(None, names), f"user {user_id}")


def conversations(state: MirrorState, hidden: bool = False) -> list[Talk]:
    """The conversations: pinned ones first, then newest first; ``hidden`` ones only where asked for.

    Those in which nothing happened are no more listed here than by the server, unless they are pinned.
    """
    found = [talk for talk in state.talks.values() if talk.kind and (talk.last_seq or talk.pinned)]
    found = [talk for talk in found if hidden or not talk.hidden]
    return sorted(found, key=lambda t: (-t.pinned_ms, -t.last_ms, -t.conversation_id))


def title(state: MirrorState, talk: Talk) -> str:
    """What a conversation is called: a direct one as the other is, whatever the list said when it was taken."""
    direct = talk.kind == ConversationKind.DIRECT and talk.member_ids
    return called(state, talk.member_ids[0]) if direct else talk.title


def messages(state: MirrorState, conversation_id: int) -> list[Received]:
    """What is known of a conversation without a gap up to its end: messages and system lines, oldest first."""
    talk = state.talk(conversation_id)
    start = max(talk.known_from, talk.floor, talk.cleared_seq + 1)
    seqs = sorted(seq for seq in talk.lines if seq >= start and seq not in talk.deleted)
    return [_shown(talk, talk.lines[seq], state.user_id) for seq in seqs]


def newest(state: MirrorState, conversation_id: int) -> Received | None:
    """The newest message, for a preview; None where the user has deleted it for themselves, as in the server's list."""
    talk = state.talk(conversation_id)
    line = talk.lines.get(talk.last_message_seq)
    return _shown(talk, line, state.user_id) if line is not None and _visible(talk, line.seq) else None


def _visible(talk: Talk, seq: int) -> bool:
    return seq > talk.cleared_seq and seq not in talk.deleted


def _is_absent(talk: Talk, seq: int) -> bool:
    """Whether all from there on was read, and this was not among it: it was deleted before this device came."""
    return seq not in talk.lines and 0 < max(talk.known_from, talk.floor) <= seq


def _shown(talk: Talk, line: Received, user_id: int) -> Received:
    shown = laid_over(line, talk.acts.get(line.seq, {}), user_id)
    reply_to = shown.content.reply_to if isinstance(shown.content, Message) else 0
    return replace(shown, quote=_quote(talk, reply_to, shown.quote, user_id) if reply_to else None)


def _quote(talk: Talk, reply_to: int, told: Received | None, user_id: int) -> Received | None:
    line = talk.lines.get(reply_to) or told
    if line is None or not _visible(talk, reply_to) or _is_absent(talk, reply_to):
        return None
    quoted = laid_over(line, talk.acts.get(reply_to, {}), user_id)
    return replace(quoted, content=_cut(quoted.content), quote=None, reactions=())


def _cut(content: Content | None) -> Content | None:
    # As the server cuts what it quotes.
    match content:
        case Text():
            return replace(content, text=content.text[:QUOTED], mentions=())
        case Custom():
            return replace(content, data=b"", mentions=())
        case Message():
            return replace(content, mentions=())
    return content
