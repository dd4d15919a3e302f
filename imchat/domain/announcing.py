"""The server's own events: drafts whose ids are fixed before the first try, so that a transaction can be repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

from imchat.domain.content import ContentCodec, Note, digest
from imchat.domain.models import CLIENT_ID_LENGTH, SYSTEM_SENDER, Draft


class Announcer:
    """Makes drafts of what the server writes.

    Args:
        codec: Content to stored form.
        client_id: Makes 16 random bytes.
    """

    def __init__(self, codec: ContentCodec, client_id: Callable[[], bytes]) -> None:
        self._codec = codec
        self._client_id = client_id

    def begin(self) -> Callable[[Sequence[tuple[int, Note]]], list[Draft]]:
        """What a store calls in its transaction, once in each try: the same notes get the same ids each time."""
        seed = self._client_id()

        def announce(notes: Sequence[tuple[int, Note]]) -> list[Draft]:
            return [self._draft(seed, index, stream_id, note) for index, (stream_id, note) in enumerate(notes)]

        return announce

    def _draft(self, seed: bytes, index: int, stream_id: int, note: Note) -> Draft:
        data = self._codec.encode(note)
        client_id = hashlib.sha256(seed + index.to_bytes(4, "big")).digest()[:CLIENT_ID_LENGTH]
        return Draft(stream_id, SYSTEM_SENDER, client_id, note.kind, data, digest(note.kind, data))
