"""What of a request goes into the draft of its event, whether it says something or does something to a message."""

from __future__ import annotations

from typing import NamedTuple

from imchat.domain.content import Act, Content, ContentCodec, Edited, Message, Reacted, Recalled, check_sendable, digest
from imchat.domain.sendable import check_act


class Post(NamedTuple):
    """A request, checked and encoded: the fields of :class:`imchat.domain.models.Draft` that come from it alone."""

    kind: int
    content: bytes
    digest: bytes
    target: int = 0
    replacement: bytes = b""
    mentions: tuple[int, ...] = ()
    emoji: bytes = b""
    removed: bool = False


def post(codec: ContentCodec, content: Content, replacement: Content | None = None) -> Post:
    """Check and encode what a person wants to send or to do.

    Args:
        codec: Content to stored form.
        content: A message or an act.
        replacement: With an edit: what is to stand there.

    Raises:
        InvalidRequest: it breaks the rules.
        NotFound: it is about a message with a number that none can have.
    """
    if isinstance(content, Recalled | Edited | Reacted):
        return _act(codec, content, replacement)
    check_sendable(content)
    data = codec.encode(content)
    if not isinstance(content, Message) or not (content.reply_to or content.mentions):
        return Post(content.kind, data, digest(content.kind, data))
    return Post(content.kind, data, digest(content.kind, data), content.reply_to, b"", content.mentions)


def _act(codec: ContentCodec, act: Act, replacement: Content | None) -> Post:
    check_act(act, replacement)
    data = codec.encode(act)
    if isinstance(act, Edited) and isinstance(replacement, Message):
        new = codec.encode(replacement)
        return Post(act.kind, data, digest(act.kind, data + new), act.seq, new, replacement.mentions)
    if isinstance(act, Reacted):
        return Post(act.kind, data, digest(act.kind, data), act.seq, emoji=act.emoji.encode(), removed=act.removed)
    return Post(act.kind, data, digest(act.kind, data), act.seq)
