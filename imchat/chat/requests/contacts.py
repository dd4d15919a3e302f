"""Contacts, requests and blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from imchat.chat.logic.connection import Live
from imchat.chat.requests.request import Request
from imchat.domain.contacts import ContactEdit
from imchat.net.notes import contact_message, request_message
from imchat.ports import Related
from imchat.wire import imchat_pb2 as pb

if TYPE_CHECKING:
    from imchat.chat.services import Services


def _changed(related: Related) -> pb.Frame:
    change = pb.ContactChange(contact=contact_message(related.contact), requests=map(request_message, related.requests))
    return pb.Frame(contact_change=change)


async def request_contact(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Ask somebody to become contacts."""
    body = message.request_contact
    return _changed(await services.contacts.request(live, body.user_id, body.greeting, body.remark))


async def answer_contact(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Say yes, no or nothing."""
    body = message.answer_contact
    return _changed(await services.contacts.answer(live, body.user_id, int(body.answer), body.remark))


async def list_contact_requests(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Who asked, or was asked?"""
    body = message.list_contact_requests
    page, cursor = await services.contacts.requests(live, body.incoming, body.all, body.cursor, body.limit)
    requests = [request_message(request, card) for request, card in page]
    return pb.Frame(contact_requests=pb.ContactRequests(requests=requests, next_cursor=cursor))


async def list_contacts(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Whom do I know, or block?"""
    body = message.list_contacts
    page, cursor = await services.contacts.contacts(live, body.blocked, body.cursor, body.limit)
    contacts = [contact_message(contact, card) for contact, card in page]
    return pb.Frame(contacts=pb.Contacts(contacts=contacts, next_cursor=cursor))


async def set_contact(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Note something about a contact."""
    body = message.set_contact
    change = ContactEdit(
        remark=body.remark if body.HasField("remark") else None,
        labels=tuple(body.labels.labels) if body.HasField("labels") else None,
        starred=body.starred if body.HasField("starred") else None,
    )
    return _changed(await services.contacts.edit(live, body.user_id, change))


async def remove_contact(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Take somebody out of the list."""
    return _changed(await services.contacts.remove(live, message.remove_contact.user_id))


async def set_blocked(services: Services, live: Live, message: pb.Frame) -> pb.Frame:
    """Block somebody, or no more."""
    body = message.set_blocked
    return _changed(await services.contacts.block(live, body.user_id, body.blocked))


REQUESTS: Mapping[str, Request] = {
    "request_contact": request_contact,
    "answer_contact": answer_contact,
    "list_contact_requests": list_contact_requests,
    "list_contacts": list_contacts,
    "set_contact": set_contact,
    "remove_contact": remove_contact,
    "set_blocked": set_blocked,
}
