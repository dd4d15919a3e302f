"""What people do in conversations: say and reply, take back, edit, react, read, and what they decide for themselves."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from imchat.client import Received
from imchat.client.mirror import Talk, messages
from imchat.domain.messages import AnyMessage, Location, Message, Sticker, Text
from imchat.domain.models import EventState
from tests.simulation.social.deed import Doing, about, deed, seen
from tests.simulation.social.deeds import PeopleDeeds
from tests.simulation.social.rows import EventRow, Rows
from tests.simulation.social.world import SocialDevice

EMOJI = ("👍", "❤️", "😂", "🎉")


class Deeds(PeopleDeeds):
    """All deeds.

    Attributes:
        accepted: What was acknowledged: conversation and seq, with who did it and what it was.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.accepted: dict[tuple[int, int], tuple[int, object]] = {}
        self._said = 0

    def _talk(self, device: SocialDevice) -> Talk | None:
        talks = sorted((t for t in device.mirror.state.talks.values() if t.member_ids), key=lambda t: t.conversation_id)
        return self.random.choice(talks) if talks else None

    def _line(self, device: SocialDevice, own: bool | None = None) -> tuple[Talk, Received] | None:
        """One of the newest messages of some conversation that is not gone."""
        talk = self._talk(device)
        if talk is None:
            return None
        lines = [
            line
            for line in messages(device.mirror.state, talk.conversation_id)[-8:]
            if isinstance(line.content, Message) and (own is None or own == (line.sender_id == device.person.user_id))
        ]
        return (talk, self.random.choice(lines)) if lines else None

    async def _noted(self, device: SocialDevice, talk: Talk, doing: Any, what: object, **facts: object) -> None:
        accepted = await about(doing, peer_id=talk.member_ids[0], **facts)
        self.accepted[talk.conversation_id, accepted.seq] = (device.person.user_id, what)

    # --- what one says

    @deed("said", 22, "not_contacts")
    def say(self, device: SocialDevice) -> Doing | None:
        talk = self._talk(device)
        if talk is None:
            return None
        self._said += 1
        content: AnyMessage = Text(
            f"{self._said} from {device.name}" + self.random.choice(("", "", "", " " + "长" * 120))
        )
        if self.chance(0.1):
            content = self.random.choice((Sticker("🐙"), Location(58.4, 26.7, "Tartu")))
        if self.chance(0.2):
            content = replace(content, mentions=talk.member_ids)
        return self._noted(device, talk, device.client.send(talk.conversation_id, content), content)

    @deed("replied", 6, "not_contacts")
    def reply(self, device: SocialDevice) -> Doing | None:
        found = self._line(device)
        if found is None:
            return None
        talk, line = found
        self._said += 1
        content = Text(f"{self._said} from {device.name}, a reply", reply_to=line.seq)
        return self._noted(device, talk, device.client.send(talk.conversation_id, content), content)

    @deed("forwarded", 2, "not_contacts")
    def forward(self, device: SocialDevice) -> Doing | None:
        found, talk = self._line(device), self._talk(device)
        if found is None or talk is None or not isinstance(found[1].content, Message):
            return None
        content = replace(found[1].content, reply_to=0, mentions=(), forwarded=True)
        return self._noted(device, talk, device.client.send(talk.conversation_id, content), content)  # type: ignore[arg-type]

    # --- what one does to messages

    @deed("recalled", 4, "not_contacts", "unchanged", "too_late")
    def recall(self, device: SocialDevice) -> Doing | None:
        found = self._line(device, own=True)
        if found is None:
            return None
        talk, line = found
        place = talk.conversation_id, line.seq
        return self._noted(device, talk, device.client.acts.recall(*place), "recall", place=place)

    @deed("edited", 8, "not_contacts", "too_late")
    def edit(self, device: SocialDevice) -> Doing | None:
        found = self._line(device, own=True)
        if found is None or not isinstance(found[1].content, Text):
            return None
        talk, line = found
        self._said += 1
        text = Text(f"{self._said} from {device.name}, edited", mentions=talk.member_ids if self.chance(0.2) else ())
        place = talk.conversation_id, line.seq
        return self._noted(device, talk, device.client.acts.edit(*place, text), text, place=place)

    @deed("reacted", 10, "not_contacts", "too_late", "unchanged")
    def react(self, device: SocialDevice) -> Doing | None:
        found = self._line(device)
        if found is None:
            return None
        talk, line = found
        own = [reaction.emoji for reaction in line.reactions if reaction.own]
        emoji, remove = self.random.choice(EMOJI), False
        if own and self.chance(0.6):
            emoji, remove = self.random.choice(own), True
        place = talk.conversation_id, line.seq
        reacting = device.client.acts.react(*place, emoji, remove)
        return self._noted(device, talk, reacting, "react", place=place, emoji=emoji, remove=remove)

    # --- what one decides for oneself

    @deed("read", 14)
    def read(self, device: SocialDevice) -> Doing | None:
        talk = self._talk(device)
        if talk is None or not talk.last_seq:
            return None
        seq = talk.last_seq if self.chance(0.7) else self.random.randint(1, talk.last_seq)
        return device.client.conversations.mark_read(talk.conversation_id, seq)

    @deed("pinned, muted or hidden", 7)
    def decide(self, device: SocialDevice) -> Doing | None:
        talk, name = self._talk(device), self.random.choice(("pinned", "muted", "hidden"))
        if talk is None:
            return None
        return device.client.conversations.set(talk.conversation_id, **{name: self.chance(0.6)})

    @deed("deleted for oneself", 4)
    def delete(self, device: SocialDevice) -> Doing | None:
        talk, (client, state) = self._talk(device), seen(device)
        if talk is None or not talk.last_seq:
            return None
        if self.chance(0.25):
            return client.conversations.clear(talk.conversation_id, self.random.randint(1, talk.last_seq))
        seqs = [line.seq for line in messages(state, talk.conversation_id)]
        some = self.random.sample(seqs, min(len(seqs), self.random.randint(1, 3)))
        return client.conversations.delete_messages(talk.conversation_id, some) if some else None

    @deed("typed", 6, "not_contacts")
    def type(self, device: SocialDevice) -> Doing | None:
        talk = self._talk(device)
        if talk is None:
            return None
        return about(device.client.conversations.typing(talk.conversation_id), peer_id=talk.member_ids[0])

    @deed("asked for receipts", 2)
    def receipts(self, device: SocialDevice) -> Doing | None:
        talk = self._talk(device)
        return None if talk is None else self._receipts(device, talk)

    async def _receipts(self, device: SocialDevice, talk: Talk) -> None:
        await device.client.conversations.receipts(talk.conversation_id)

    @deed("read the history", 2)
    def older(self, device: SocialDevice) -> Doing | None:
        talk = self._talk(device)
        return None if talk is None else self._older(device, talk)

    async def _older(self, device: SocialDevice, talk: Talk) -> None:
        await device.mirror.older(talk.conversation_id, self.random.choice((1, 5, 50)))

    # --- together

    def rush(self) -> None:
        """Two people do a lot at the same time, at all of their devices."""
        usable = self.usable()
        if usable:
            one = self.random.choice(usable)
            peer = self.other(one)
            crowd = [d for d in usable if d.person in (one.person, peer)]
            for _ in range(self.random.randint(4, 10)):
                self.world.timeline.after(0.1 * self.random.random(), self.do_something, self.random.choice(crowd))


def lost(deeds: Deeds, rows: Rows) -> list[str]:
    """What was acknowledged and is not stored as it was said."""
    lines = []
    for (conversation_id, seq), (user_id, what) in sorted(deeds.accepted.items()):
        event = rows.event(conversation_id, seq)
        where = f"lost: {conversation_id}/{seq} of {user_id}"
        if event is None or event.sender_id != user_id:
            lines.append(f"{where} was acknowledged: {what!r}, stored is {event}")
        elif isinstance(what, Message):
            said = event if event.is_message else _last_edit(rows, event)
            state = EventState.NORMAL if event.is_message else EventState.EDITED
            if said is not None and said.state is state and _body(said.content) != _body(what):
                lines.append(f"{where} was {what!r}, stored is {said.content!r}")
    return lines


def _last_edit(rows: Rows, edit: EventRow) -> EventRow | None:
    """The message that an edit changed, if no later one did."""
    edits = [e.seq for e in rows.events[edit.stream_id] if e.kind == edit.kind and e.target_seq == edit.target_seq]
    return rows.event(edit.stream_id, edit.target_seq) if max(edits) == edit.seq else None


def _body(content: object) -> object:
    return replace(content, reply_to=0) if isinstance(content, Message) else content
