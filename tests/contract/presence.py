"""What every ``imchat.ports.PresenceStore`` keeps to."""

from dataclasses import replace

from imchat.domain.people import PresenceState
from imchat.domain.presence import PresenceEntry
from imchat.ports import PresenceStore

ANN, BOB = 1001, 2**53 - 1
PHONE = PresenceEntry(ANN, 7, "phone", PresenceState.ONLINE, "android")
TABLET = PresenceEntry(ANN, 7, "tablet", PresenceState.AWAY, "ios")
ELSEWHERE = PresenceEntry(ANN, 2**53 - 1, "phone", PresenceState.AWAY, "android")
LAPTOP = PresenceEntry(BOB, 7, "laptop", PresenceState.ONLINE, "linux")


class PresenceContract:
    """Mixed into a ``TestCase`` that gives the backend."""

    def make_presence(self) -> PresenceStore:
        """An empty store."""
        raise NotImplementedError

    async def elapse(self, ms: int) -> None:
        """Let so much time pass on the store's clock."""
        raise NotImplementedError

    def setUp(self):
        self.presence = self.make_presence()

    async def there(self, *user_ids):
        """The entries of users, in some order that does not depend on the backend."""
        found = await self.presence.get(user_ids)
        self.assertTrue(all(found.values()), found)
        entries = [entry for entries in found.values() for entry in entries]
        return sorted(entries, key=lambda entry: (entry.user_id, entry.node, entry.device_id))

    async def test_nobody_is_there_at_first(self):
        self.assertEqual(await self.presence.get([ANN, BOB]), {})
        self.assertEqual(await self.presence.get([]), {})

    async def test_who_was_put_is_found_whole_and_with_no_others(self):
        await self.presence.put([PHONE, TABLET, ELSEWHERE, LAPTOP], 60_000)
        self.assertEqual(await self.there(ANN), [PHONE, TABLET, ELSEWHERE])
        self.assertEqual(await self.there(BOB, ANN, BOB, 3), [PHONE, TABLET, ELSEWHERE, LAPTOP])

    async def test_odd_names(self):
        odd = replace(PHONE, device_id="a:b %节点", platform='"} 1')
        await self.presence.put([odd, PHONE], 60_000)
        self.assertEqual(await self.there(ANN), [odd, PHONE])

    async def test_what_is_newer_takes_the_place_of_what_is_older(self):
        await self.presence.put([PHONE, TABLET], 60_000)
        changed = replace(PHONE, state=PresenceState.AWAY, platform="harmony")
        await self.presence.put([changed], 60_000)
        self.assertEqual(await self.there(ANN), [changed, TABLET])

    async def test_a_device_that_is_dropped_leaves_the_same_device_of_another_node(self):
        await self.presence.put([PHONE, ELSEWHERE, LAPTOP], 60_000)
        await self.presence.drop([replace(PHONE, state=PresenceState.OFFLINE, platform=""), TABLET])
        self.assertEqual(await self.there(ANN, BOB), [ELSEWHERE, LAPTOP])
        await self.presence.drop([ELSEWHERE, LAPTOP])
        self.assertEqual(await self.presence.get([ANN, BOB]), {})
        await self.presence.drop([ELSEWHERE])

    async def test_each_entry_lasts_as_long_as_it_was_put_for(self):
        await self.presence.put([PHONE], 100)
        await self.presence.put([TABLET, LAPTOP], 60_000)
        await self.elapse(110)
        self.assertEqual(await self.there(ANN, BOB), [TABLET, LAPTOP])

    async def test_one_that_is_put_for_less_ends_sooner(self):
        await self.presence.put([PHONE, LAPTOP], 60_000)
        await self.presence.put([PHONE], 100)
        await self.elapse(110)
        self.assertEqual(await self.there(ANN, BOB), [LAPTOP])

    async def test_one_that_goes_on_being_put_stays(self):
        for _ in range(3):
            await self.presence.put([PHONE], 400)
            await self.elapse(200)
        self.assertEqual(await self.there(ANN), [PHONE])

    async def test_a_thousand_people(self):
        many = [replace(PHONE, user_id=number) for number in range(1, 1_001)]
        await self.presence.put(many, 60_000)
        await self.presence.drop(many[::2])
        self.assertEqual(await self.there(*range(1, 1_001)), many[1::2])
