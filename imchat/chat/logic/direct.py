"""Opening direct conversations."""

from __future__ import annotations

from functools import partial

from twisted.internet.interfaces import IReactorTime

from imchat.chat.logic.connection import Live
from imchat.chat.logic.delivery import Delivery
from imchat.chat.logic.quota import Quota
from imchat.domain.content import ContentCodec, ConversationAdded, digest
from imchat.domain.errors import InvalidRequest, NotFound
from imchat.domain.models import MAX_ID, SYSTEM_SENDER, ConversationKind, Draft, Opened
from imchat.domain.permissions import ContactsPolicy, may_open_direct, may_write
from imchat.ports import ConversationStore, Ids


class Direct:
    """Finds or makes the one conversation of two users.

    Args:
        store: The conversations.
        delivery: Tells both of a new one.
        codec: Content to stored form.
        ids: For new ids.
        quota: Limits.
        clock: The time.
        policy: Who may talk to whom directly.
    """

    def __init__(
        self,
        store: ConversationStore,
        delivery: Delivery,
        codec: ContentCodec,
        ids: Ids,
        quota: Quota,
        clock: IReactorTime,
        policy: ContactsPolicy,
    ) -> None:
        self._store = store
        self._delivery = delivery
        self._codec = codec
        self._ids = ids
        self._quota = quota
        self._clock = clock
        self._may_write = partial(may_write, policy=policy)

    async def open(self, live: Live, peer_id: int) -> Opened:
        """The direct conversation of a session's user with another; made, and told to both, if there is none.

        Raises:
            InvalidRequest: the peer is the user.
            NotFound: there is no such user.
            NotContacts: there is none, and the two may not write to each other.
            RateLimited: too many look-ups.
        """
        self._quota.lookup(live)
        if may_open_direct(live.user_id, peer_id) is not None:
            raise InvalidRequest("a direct conversation is with somebody else")
        if not 0 < peer_id <= MAX_ID:
            raise NotFound("there is no such user")
        conversation_id = self._ids.new_id()
        announcements = [
            self._announcement(live.user_id, conversation_id, peer_id),
            self._announcement(peer_id, conversation_id, live.user_id),
        ]
        now_ms = int(self._clock.seconds() * 1000)
        opened = await self._store.open_direct(
            live.user_id, peer_id, conversation_id, announcements, now_ms, self._may_write
        )
        if opened is None:
            raise NotFound("there is no such user")
        self._delivery.private(opened.events)
        return opened

    def _announcement(self, user_id: int, conversation_id: int, peer_id: int) -> Draft:
        content = ConversationAdded(conversation_id, ConversationKind.DIRECT, (peer_id,))
        data = self._codec.encode(content)
        kind = content.kind
        return Draft(user_id, SYSTEM_SENDER, self._ids.client_id(), kind, data, digest(kind, data))
