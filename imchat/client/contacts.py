"""Contacts: asking, answering, and what the user has noted about others."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from imchat.client.requests import Call, paged
from imchat.client.translate import contact_change, listed_contact, listed_request
from imchat.client.values import ContactChange, ListedContact, ListedRequest
from imchat.wire import imchat_pb2 as pb
from imchat.wire.imchat_pb2 import Frame


class Contacts:
    """The user's contacts, those who are blocked, and contact requests.

    Args:
        call: Makes a request to the chat node.
    """

    def __init__(self, call: Call) -> None:
        self._call = call

    # --- lists

    def all(self, limit: int = 0) -> AsyncIterator[ListedContact]:
        """The contacts; ``limit`` per page, 0 leaves it to the server."""
        return self._listed(False, limit)

    def blocked(self, limit: int = 0) -> AsyncIterator[ListedContact]:
        """Those who are blocked, contacts or not."""
        return self._listed(True, limit)

    def _listed(self, blocked: bool, limit: int) -> AsyncIterator[ListedContact]:
        return paged(
            self._call,
            lambda cursor: Frame(list_contacts=pb.ListContacts(blocked=blocked, cursor=cursor, limit=limit)),
            lambda answer: (map(listed_contact, answer.contacts.contacts), answer.contacts.next_cursor),
        )

    def requests(self, incoming: bool, everything: bool = False, limit: int = 0) -> AsyncIterator[ListedRequest]:
        """Contact requests of others (``incoming``) or one's own, newest first.

        Args:
            everything: Also those that are answered or expired.
            limit: Requests per page; 0 leaves it to the server.
        """

        def ask(cursor: bytes) -> Frame:
            query = pb.ListContactRequests(incoming=incoming, all=everything, cursor=cursor, limit=limit)
            return Frame(list_contact_requests=query)

        def read(answer: Frame) -> tuple[Iterable[ListedRequest], bytes]:
            found = answer.contact_requests
            return map(listed_request, found.requests), found.next_cursor

        return paged(self._call, ask, read)

    # --- changes

    async def request(self, user_id: int, greeting: str = "", remark: str = "") -> ContactChange:
        """Ask somebody to become contacts; who was asked by them already becomes one at once.

        Args:
            remark: One's own, for the other, once they are contacts.
        """
        request = pb.RequestContact(user_id=user_id, greeting=greeting, remark=remark)
        return await self._change(Frame(request_contact=request))

    async def accept(self, user_id: int, remark: str = "") -> ContactChange:
        """Accept what somebody asked."""
        return await self._answer(user_id, pb.ACCEPT, remark)

    async def decline(self, user_id: int) -> ContactChange:
        """Decline what somebody asked; they are told."""
        return await self._answer(user_id, pb.DECLINE)

    async def ignore(self, user_id: int) -> ContactChange:
        """Leave somebody without an answer for good; they are not told."""
        return await self._answer(user_id, pb.IGNORE)

    async def _answer(self, user_id: int, answer: pb.ContactAnswer, remark: str = "") -> ContactChange:
        return await self._change(Frame(answer_contact=pb.AnswerContact(user_id=user_id, answer=answer, remark=remark)))

    async def set(
        self,
        user_id: int,
        *,
        remark: str | None = None,
        labels: Iterable[str] | None = None,
        starred: bool | None = None,
    ) -> ContactChange:
        """Note something about a contact; what is None stays as it is."""
        noted = None if labels is None else pb.Labels(labels=labels)
        request = pb.SetContact(user_id=user_id, remark=remark, labels=noted, starred=starred)
        return await self._change(Frame(set_contact=request))

    async def remove(self, user_id: int) -> ContactChange:
        """Take somebody out of one's own list."""
        return await self._change(Frame(remove_contact=pb.RemoveContact(user_id=user_id)))

    async def block(self, user_id: int, blocked: bool = True) -> ContactChange:
        """Block somebody, or no more."""
        return await self._change(Frame(set_blocked=pb.SetBlocked(user_id=user_id, blocked=blocked)))

    async def _change(self, frame: Frame) -> ContactChange:
        return contact_change((await self._call(frame)).contact_change)
