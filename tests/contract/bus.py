"""What every ``imchat.ports.Bus`` keeps to."""

from imchat.domain.models import Event
from imchat.ports import Bus, EventsAppended, Notice, Publisher, SessionsClosed


def appended(stream_id: int, seq: int = 1) -> EventsAppended:
    event = Event(stream_id, seq, 5, bytes(range(16)), 1, b"\x00\xff\n text \xf0\x9f\x98\x80", seq, 1_800_000_000_000)
    return EventsAppended(stream_id, 3, (event,))


class Listener:
    """One node on the bus, with what it heard."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self.heard: list[tuple[str, Notice]] = []
        bus.listen(lambda channel, notice: self.heard.append((channel, notice)))


class BusContract:
    """Mixed into a ``TestCase`` that gives the backend."""

    async def make_bus(self, node_id: str) -> Bus:
        """The bus of one more node."""
        raise NotImplementedError

    async def make_publisher(self) -> Publisher:
        """A sender that hears nothing."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Return when all that was published so far has been heard by those who hear it."""
        raise NotImplementedError

    async def listener(self, node_id: str, *channels: str) -> Listener:
        listener = Listener(await self.make_bus(node_id))
        await listener.bus.subscribe(channels)
        return listener

    async def test_the_others_hear_and_the_publisher_does_not(self):
        one, two, three = [await self.listener(name, "user:1") for name in ("one", "two", "three")]
        await one.bus.publish([("user:1", appended(1))])
        await self.settle()
        self.assertEqual(one.heard, [])
        self.assertEqual(two.heard, [("user:1", appended(1))])
        self.assertEqual(three.heard, two.heard)

    async def test_notices_arrive_as_they_were_sent(self):
        one, two = await self.listener("one"), await self.listener("two", "user:1", "user:2")
        notices = [
            ("user:1", EventsAppended(2**53 - 1, 7, (appended(1, 2**40).events[0], appended(1, 5).events[0]))),
            ("user:1", EventsAppended(4, 0, ())),
            ("user:2", SessionsClosed(2, ("phone", "laptop"), "session_ended")),
            ("user:2", SessionsClosed(2, None, "session_ended")),
            ("user:2", SessionsClosed(2, ("phone",), "replaced", 9)),
        ]
        await one.bus.publish(notices)
        await self.settle()
        self.assertEqual(two.heard, notices)

    async def test_order_is_kept_over_channels_and_publishes(self):
        one, two = await self.listener("one"), await self.listener("two", "user:1", "conversation:9")
        sent = [("user:1" if seq % 3 else "conversation:9", appended(1, seq)) for seq in range(1, 40)]
        for start in range(0, 39, 4):
            await one.bus.publish(sent[start : start + 4])
        await self.settle()
        self.assertEqual(two.heard, sent)

    async def test_only_subscribed_channels_are_heard(self):
        one, two = await self.listener("one"), await self.listener("two", "user:1", "user:3")
        await two.bus.unsubscribe(["user:3"])
        await one.bus.publish([(f"user:{n}", appended(n)) for n in (1, 11, 2, 3)])
        await self.settle()
        self.assertEqual([channel for channel, _ in two.heard], ["user:1"])

    async def test_subscribing_twice_is_hearing_once(self):
        one, two = await self.listener("one"), await self.listener("two", "user:1", "user:1")
        await two.bus.subscribe(["user:1"])
        await one.bus.publish([("user:1", appended(1))])
        await self.settle()
        self.assertEqual(len(two.heard), 1)
        await two.bus.unsubscribe(["user:1", "user:99"])
        await one.bus.publish([("user:1", appended(1))])
        await self.settle()
        self.assertEqual(len(two.heard), 1)

    async def test_publishing_nothing_and_to_nobody_is_fine(self):
        one = await self.listener("one")
        await one.bus.publish([])
        await one.bus.publish([("user:1", appended(1))])
        await one.bus.subscribe([])
        await self.settle()
        self.assertEqual(one.heard, [])

    async def test_one_who_hears_nothing_can_publish(self):
        publisher = await self.make_publisher()
        one = await self.listener("one", "user:1")
        await publisher.publish([("user:1", SessionsClosed(1, None, "session_ended"))])
        await self.settle()
        self.assertEqual(one.heard, [("user:1", SessionsClosed(1, None, "session_ended"))])

    async def test_a_listener_that_fails_harms_neither_others_nor_later_notices(self):
        one, two, three = [await self.listener(name, "user:1") for name in ("one", "two", "three")]
        heard = []

        def receive(channel: str, notice: Notice) -> None:
            heard.append(notice)
            raise RuntimeError("planted")

        two.bus.listen(receive)
        await one.bus.publish([("user:1", appended(1, 1)), ("user:1", appended(1, 2))])
        await self.settle()
        self.assertEqual(len(heard), 2)
        self.assertEqual(len(three.heard), 2)
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    async def test_a_bus_that_works_is_above_suspicion(self):
        one = await self.listener("one")
        two = await self.listener("two", "user:1")
        two.bus.watch(lambda reason: None)
        await one.bus.publish([("user:1", appended(1))])
        await self.settle()
        self.assertFalse(one.bus.suspect)
        self.assertFalse(two.bus.suspect)
