"""The rows of a database, arranged for looking things up: plain values, from whatever backend."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from imchat.client.values import Receipt
from imchat.domain.content import Content, is_message
from imchat.domain.messages import Message
from imchat.domain.models import EventState, UserCard
from imchat.domain.people import Contact, ContactRequest, Profile, RequestState, Settings
from imchat.net.content import WireContentCodec

Tables = dict[str, list[dict[str, Any]]]

PENDING, IGNORED, WITHHELD = 1, 4, 6
"""Stored states of requests that can be pending for one of the two."""

_CODEC = WireContentCodec()


@dataclass(frozen=True)
class EventRow:
    """An event; ``content`` is None where it is gone."""

    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    kind: int
    content: Content | None
    ordinal: int
    created_ms: int
    target_seq: int
    changed_seq: int
    state: EventState

    @property
    def is_message(self) -> bool:
        """Whether somebody said it."""
        return is_message(self.kind)


def _event(row: dict[str, Any]) -> EventRow:
    content = _CODEC.decode(row["kind"], bytes(row["content"]))
    if isinstance(content, Message):
        # An edit does not know to what its message replies: the column does.
        content = replace(content, reply_to=row["target_seq"])
    names = ("stream_id", "seq", "sender_id")
    numbers = (row["ordinal"], row["created_ms"], row["target_seq"], row["changed_seq"], EventState(row["state"]))
    return EventRow(*(row[name] for name in names), bytes(row["client_id"]), row["kind"], content, *numbers)


@dataclass(frozen=True)
class ReadingRow:
    """What a user has done with a conversation."""

    read_seq: int = 0
    read_ordinal: int = 0
    delivered_seq: int = 0
    mention_seq: int = 0
    pinned_ms: int = 0
    muted: int = 0
    hidden_seq: int = 0
    cleared_seq: int = 0


class Rows:
    """What is stored.

    Args:
        tables: As the databases of the simulation tell them.

    Attributes:
        accounts: By user.
        contacts: By user and peer: those that say anything.
        heads: By stream.
        events: By stream, in order.
        members: By conversation: user and from where they see it.
        kinds: By conversation.
        readings: By conversation and user.
        deleted: By user and conversation: seqs.
        reactions: By stream and seq: emoji and user.
    """

    def __init__(self, tables: Tables) -> None:
        self.accounts = {row["user_id"]: row for row in tables["account"]}
        self.contacts: dict[int, dict[int, Contact]] = defaultdict(dict)
        for row in tables["contact"]:
            self.contacts[row["user_id"]][row["peer_id"]] = _contact(row)
        self.requests = tables["contact_request"]
        self.heads = {row["stream_id"]: row for row in tables["head"]}
        self.events: dict[int, list[EventRow]] = defaultdict(list)
        for row in tables["event"]:
            self.events[row["stream_id"]].append(_event(row))
        self.kinds = {row["conversation_id"]: row["kind"] for row in tables["conversation"]}
        self.members: dict[int, dict[int, int]] = defaultdict(dict)
        for row in tables["period"]:
            if row["to_seq"] is None:
                self.members[row["conversation_id"]][row["user_id"]] = row["from_seq"]
        self.readings = {(row["conversation_id"], row["user_id"]): _reading(row) for row in tables["reading"]}
        self.deleted: dict[tuple[int, int], set[int]] = defaultdict(set)
        for row in tables["deletion"]:
            self.deleted[row["user_id"], row["conversation_id"]].add(row["seq"])
        self.reactions: dict[tuple[int, int], set[tuple[str, int]]] = defaultdict(set)
        for row in tables["reaction"]:
            place = row["stream_id"], row["seq"]
            self.reactions[place].add((bytes(row["emoji"]).decode(), row["user_id"]))

    def reading(self, conversation_id: int, user_id: int) -> ReadingRow:
        """A user's row, or what it means that there is none."""
        return self.readings.get((conversation_id, user_id)) or ReadingRow()

    def event(self, stream_id: int, seq: int) -> EventRow | None:
        """An event."""
        events = self.events.get(stream_id, [])
        return events[seq - 1] if 0 < seq <= len(events) and events[seq - 1].seq == seq else None

    def card(self, user_id: int) -> UserCard:
        """What a user shows of themselves."""
        row = self.accounts[user_id]
        texts = (row["name"], row["nickname"], row["signature"])
        return UserCard(user_id, *texts, row["gender"], row["region"], row["avatar"], bool(row["deleted_ms"]))

    def profile(self, user_id: int) -> Profile:
        """A user's own profile."""
        row = self.accounts[user_id]
        chosen = (row["hidden_from_search"], row["presence_hidden"], row["receipts_off"])
        return Profile(self.card(user_id), row["email"], Settings(*map(bool, chosen)))

    def pending(self, user_id: int) -> dict[tuple[int, bool], ContactRequest]:
        """The requests that are pending for a user, by peer and whether the peer asked."""
        found: dict[tuple[int, bool], ContactRequest] = {}
        for row in self.requests:
            if row["to_id"] == user_id and row["state"] == PENDING:
                found[row["from_id"], True] = _request(row, row["from_id"], True)
            if row["from_id"] == user_id and row["state"] in (PENDING, IGNORED, WITHHELD):
                found[row["to_id"], False] = _request(row, row["to_id"], False)
        return found

    def may_talk(self, user_id: int, peer_id: int) -> bool:
        """Whether two may talk to each other."""
        own, theirs = self.contacts[user_id].get(peer_id), self.contacts[peer_id].get(user_id)
        return bool(own and theirs and own.is_contact and theirs.is_contact and not own.blocked and not theirs.blocked)

    def takes_receipts(self, user_id: int, peer_id: int) -> bool:
        """Whether two are told how far the other is."""
        off = any(self.accounts[one]["receipts_off"] for one in (user_id, peer_id))
        own, theirs = self.contacts[user_id].get(peer_id), self.contacts[peer_id].get(user_id)
        return not off and not (own and own.blocked) and not (theirs and theirs.blocked)

    def receipt(self, conversation_id: int, user_id: int) -> Receipt:
        """How far somebody is, as others are told."""
        own = self.reading(conversation_id, user_id)
        return Receipt(conversation_id, user_id, max(own.delivered_seq, own.read_seq), own.read_seq)

    def may_watch(self, user_id: int, peer_id: int) -> bool:
        """Whether a user is told of another."""
        own, theirs = self.contacts[user_id].get(peer_id), self.contacts[peer_id].get(user_id)
        return bool(own and theirs and own.is_contact and theirs.is_contact and not theirs.blocked)


def _contact(row: dict[str, Any]) -> Contact:
    labels = tuple(json.loads(row["labels"])) if row["labels"] else ()
    flags = bool(row["is_contact"]), bool(row["blocked"])
    return Contact(row["peer_id"], *flags, row["remark"], labels, bool(row["starred"]), row["since_ms"])


def _request(row: dict[str, Any], peer_id: int, incoming: bool) -> ContactRequest:
    remark = "" if incoming else row["remark"]
    times = row["created_ms"], row["changed_ms"]
    return ContactRequest(peer_id, incoming, row["greeting"], remark, RequestState.PENDING, *times)


def _reading(row: dict[str, Any]) -> ReadingRow:
    return ReadingRow(**{name: row[name] for name in ReadingRow.__dataclass_fields__})
