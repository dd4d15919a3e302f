"""What people do with each other: they look for one another, become contacts, fall out, and change what they say of
themselves; and what they do with their devices."""

from __future__ import annotations

from imchat.domain.people import ProfileChange
from tests.simulation.social.deed import Doer, Doing, Wrong, about, deed, seen
from tests.simulation.social.world import SocialDevice

NICKNAMES = ("Kelp", "Foam", "Tide", "小明", "Ülo", "")
LABELS = ("work", "school", "海", "swimming")


class PeopleDeeds(Doer):
    """Deeds between people."""

    @deed("searched", 4)
    def search(self, device: SocialDevice) -> Doing | None:
        peer = self.other(device)
        if peer is None:
            return None
        query = self.random.choice((peer.name, str(peer.user_id), "us", peer.name.upper(), "Ke"))
        return self._search(device, peer.user_id, query, exact=query.lower() in (peer.name, str(peer.user_id)))

    async def _search(self, device: SocialDevice, user_id: int, query: str, exact: bool) -> None:
        since = self.world.timeline.now
        cards = [card async for card in device.client.people.search(query, limit=self.random.choice((0, 1, 3)))]
        found = [card.id for card in cards]
        if len(set(found)) != len(found):
            raise Wrong(f"the search for {query!r} finds somebody twice: {found}")
        if exact and user_id not in found and not self.watch.was("hidden", user_id, True, since):
            raise Wrong(f"the search for {query!r} does not find {user_id}")
        for one in found:
            if one != device.person.user_id and not self.watch.was("hidden", one, False, since):
                raise Wrong(f"the search for {query!r} finds {one}, who hides")

    @deed("requested", 14, "value_refused", "rate_limited")
    def request(self, device: SocialDevice) -> Doing | None:
        peer, (client, state) = self.other(device), seen(device)
        if peer is None or (peer.user_id in state.contacts and not self.chance(0.2)):
            return None
        greeting, remark = f"from {device.name}", self.random.choice(("", f"remark of {device.name}"))
        return about(client.contacts.request(peer.user_id, greeting, remark), peer_id=peer.user_id)

    @deed("answered", 16, "not_found", "value_refused")
    def answer(self, device: SocialDevice) -> Doing | None:
        client, state = seen(device)
        asked = sorted(user_id for user_id, incoming in state.requests if incoming)
        if not asked:
            return None
        peer_id, chance = self.random.choice(asked), self.random.random()
        if chance < 0.8:
            answer = client.contacts.accept(peer_id, self.random.choice(("", "met at sea")))
        else:
            answer = (client.contacts.decline if chance < 0.9 else client.contacts.ignore)(peer_id)
        return about(answer, peer_id=peer_id)

    def _contact(self, device: SocialDevice) -> int:
        known = sorted(c.user_id for c in device.mirror.state.contacts.values() if c.is_contact)
        return self.random.choice(known) if known else 0

    @deed("noted", 4, "not_found")
    def note(self, device: SocialDevice) -> Doing | None:
        peer_id = self._contact(device)
        if not peer_id:
            return None
        labels = self.random.sample(LABELS, self.random.randint(0, 3)) if self.chance(0.5) else None
        remark = f"remark {self.random.randint(1, 99)}" if self.chance(0.5) else None
        starred = self.chance(0.5) if self.chance(0.5) else None
        noted = device.client.contacts.set(peer_id, remark=remark, labels=labels, starred=starred)
        return about(noted, peer_id=peer_id)

    @deed("contact deleted", 1)
    def remove(self, device: SocialDevice) -> Doing | None:
        peer_id = self._contact(device)
        return device.client.contacts.remove(peer_id) if peer_id else None

    @deed("blocked", 2)
    def block(self, device: SocialDevice) -> Doing | None:
        peer_id = self._contact(device)
        if not peer_id or self.chance(0.1):
            peer = self.other(device)
            peer_id = peer.user_id if peer else 0
        return device.client.contacts.block(peer_id) if peer_id else None

    @deed("unblocked", 6)
    def unblock(self, device: SocialDevice) -> Doing | None:
        blocked = sorted(c.user_id for c in device.mirror.state.contacts.values() if c.blocked)
        return device.client.contacts.block(self.random.choice(blocked), False) if blocked else None

    @deed("profile changed", 3)
    def profile(self, device: SocialDevice) -> Doing | None:
        name = self.random.choice(
            (
                "nickname",
                "signature",
                "gender",
                "region",
                "avatar",
                "hidden_from_search",
                "presence_hidden",
                "receipts_off",
            )
        )
        values = {
            "nickname": self.random.choice(NICKNAMES),
            "signature": f"by {device.name}, {self.random.randint(1, 99)}",
            "gender": self.random.randint(0, 3),
            "region": self.random.choice(("", "Tartu", "上海")),
            "avatar": self.random.choice(("", "pictures/1", "pictures/2")),
        }
        value = values.get(name, self.chance(0.4))
        return device.client.people.set_profile(ProfileChange(**{name: value}))

    @deed("away or back", 2)
    def away(self, device: SocialDevice) -> Doing | None:
        return self._away(device, self.chance(0.5))

    async def _away(self, device: SocialDevice, away: bool) -> None:
        device.away = away
        await device.client.people.set_away(away)

    # --- devices

    def go_on_holiday(self) -> None:
        """Somebody switches all of their devices off, until everybody else is done."""
        here = [person for person in self.world.people if person.number not in self.world.absent and person.user_id]
        person = self.random.choice(here)
        self.world.trace.hit("all devices off until the end")
        for device in person.devices:
            if not device.over:
                device.switch_off()
        self.world.absent.add(person.number)

    def come_back(self) -> None:
        """Those who were absent are here again."""
        numbers, self.world.absent = self.world.absent, set()
        for device in self.world.devices():
            if device.person.number in numbers:
                device.switch_on()

    def go_out(self) -> None:
        """Somebody is away for a while, and comes back with the device as it was, or with another one."""
        usable = self.usable()
        if not usable:
            return
        device, chance = self.random.choice(usable), self.random.random()
        away = 0.5 + self.random.expovariate(1 / 6)
        if chance < 0.15:
            self.world.trace.hit("device lost with its state")
            device.give_up()
            self.world.timeline.after(away, self.society.new_device(device.person).switch_on)
            return
        if chance < 0.4:
            self.world.trace.hit("device killed by its owner")
            device.kill("its owner has no time")
        else:
            self.world.trace.hit("device off for a while")
            device.switch_off()
        self.world.timeline.after(away, device.switch_on)

    def cross(self) -> None:
        """Two ask each other at the same moment."""
        usable = self.usable()
        if len(usable) > 1:
            one, other = self.random.sample(usable, 2)
            if one.person is not other.person:
                self.world.trace.hit("crossing requests")
                for asks, peer in ((one, other.person), (other, one.person)):
                    self.do(asks, _asking(peer.user_id))


def _asking(peer_id: int):
    def ask(doer: Doer, device: SocialDevice) -> Doing:
        return about(device.client.contacts.request(peer_id, "crossing", ""), peer_id=peer_id)

    return deed("requested", 0, "value_refused", "rate_limited")(ask)
