"""What every ``imchat.ports.NodeCopy`` keeps to."""

from dataclasses import replace

from imchat.domain.models import NodeAddress, NodeReport
from imchat.ports import NodeCopy

A = NodeReport("a", NodeAddress("a.example", 8090), 3, False)
B = NodeReport("b", NodeAddress("::1", 8091, tls=True), 0, True, 2**53 - 1)


class NodeCopyContract:
    """Mixed into a ``TestCase`` that gives the backend."""

    def make_copy(self) -> NodeCopy:
        """An empty copy."""
        raise NotImplementedError

    async def elapse(self, ms: int) -> None:
        """Let so much time pass on the copy's clock."""
        raise NotImplementedError

    def setUp(self):
        self.copy = self.make_copy()

    async def known(self):
        return sorted(await self.copy.read(), key=lambda report: report.node_id)

    async def test_nothing_is_known_at_first(self):
        self.assertEqual(await self.copy.read(), [])

    async def test_what_was_written_is_read_whole(self):
        odd = replace(A, node_id="zwölf:节点 *", connections=2**40)
        await self.copy.write([A, B, odd], 60_000)
        self.assertEqual(await self.known(), [A, B, odd])

    async def test_a_newer_report_takes_the_place_of_the_older_and_others_stay(self):
        await self.copy.write([A, B], 60_000)
        newer = replace(A, address=NodeAddress("elsewhere.example", 1), connections=9)
        await self.copy.write([newer], 60_000)
        self.assertEqual(await self.known(), [newer, B])

    async def test_each_node_lasts_as_long_as_its_own_report(self):
        await self.copy.write([A], 100)
        await self.copy.write([B], 60_000)
        await self.elapse(110)
        self.assertEqual(await self.known(), [B])

    async def test_a_short_report_does_not_shorten_the_life_of_a_longer_one(self):
        await self.copy.write([A], 60_000)
        await self.copy.write([B], 100)
        await self.elapse(110)
        self.assertEqual(await self.known(), [A])

    async def test_a_node_that_goes_on_reporting_stays(self):
        for _ in range(3):
            await self.copy.write([A], 400)
            await self.elapse(200)
        self.assertEqual(await self.known(), [A])

    async def test_hundreds_of_nodes(self):
        many = [replace(A, node_id=f"{number:04}", connections=number) for number in range(500)]
        await self.copy.write(many, 60_000)
        self.assertEqual(await self.known(), many)

    async def test_reading_twice_gives_the_same(self):
        await self.copy.write([A], 60_000)
        self.assertEqual([await self.known() for _ in range(2)], [[A], [A]])
