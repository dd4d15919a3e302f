"""What every ``imchat.ports.CodeStore`` keeps to."""

from imchat.ports import CodeStore, Purpose

KEY = "ada@example.org"
TTL = 400
"""Milliseconds: short, for backends whose clock cannot be moved."""


class CodeStoreContract:
    """Mixed into a ``TestCase`` that gives the backend."""

    def make_codes(self) -> CodeStore:
        """A store without codes."""
        raise NotImplementedError

    async def elapse(self, ms: int) -> None:
        """Let so much time pass on the store's clock."""
        raise NotImplementedError

    def setUp(self):
        self.codes = self.make_codes()

    async def put(self, code="123456", purpose=Purpose.REGISTRATION, key=KEY, ttl_ms=60_000):
        await self.codes.put(purpose, key, code, ttl_ms)

    async def take(self, code="123456", purpose=Purpose.REGISTRATION, key=KEY, max_tries=5):
        return await self.codes.take(purpose, key, code, max_tries)

    async def test_the_right_code_is_good_once(self):
        await self.put()
        self.assertIs(await self.take(), True)
        self.assertIs(await self.take(), False)

    async def test_without_a_code_nothing_is_right(self):
        self.assertFalse(await self.take())
        self.assertFalse(await self.take(""))

    async def test_void_after_max_tries_wrong_ones(self):
        await self.put()
        for wrong in ("000000", "111111", "222222", "333333", "444444"):
            self.assertFalse(await self.take(wrong))
        self.assertFalse(await self.take())

    async def test_good_after_fewer_wrong_tries(self):
        await self.put()
        for wrong in ("000000", "12345", "1234567", "१२३४५६"):
            self.assertFalse(await self.take(wrong))
        self.assertTrue(await self.take())

    async def test_a_new_code_voids_the_old_one_and_has_tries_of_its_own(self):
        await self.put("123456")
        for _ in range(4):
            await self.take("000000")
        await self.put("654321")
        self.assertFalse(await self.take("123456"))
        for _ in range(3):
            await self.take("000000")
        self.assertTrue(await self.take("654321"))

    async def test_a_code_is_good_for_its_purpose_and_address_only(self):
        await self.put()
        self.assertFalse(await self.take(purpose=Purpose.PASSWORD_RESET))
        self.assertFalse(await self.take(key="bob@example.org"))
        self.assertTrue(await self.take())

    async def test_a_code_lives_for_its_time(self):
        await self.put(ttl_ms=TTL)
        await self.elapse(TTL // 4)
        await self.take("000000")
        await self.elapse(TTL)
        self.assertFalse(await self.take())

    async def test_a_wrong_try_does_not_lengthen_the_life(self):
        await self.put(ttl_ms=TTL)
        for _ in range(3):
            await self.elapse(TTL // 3 + 20)
            await self.take("000000")
        self.assertFalse(await self.take())

    async def test_a_discarded_code_is_void(self):
        await self.put()
        await self.codes.discard(Purpose.REGISTRATION, KEY)
        self.assertFalse(await self.take())
        await self.codes.discard(Purpose.REGISTRATION, KEY)

    async def test_odd_keys_stay_apart(self):
        await self.put("111111", key="a b@example.org")
        await self.put("222222", key="张伟@例子.cn")
        await self.put("333333", key="a:b%*@example.org")
        self.assertTrue(await self.take("222222", key="张伟@例子.cn"))
        self.assertTrue(await self.take("333333", key="a:b%*@example.org"))
        self.assertTrue(await self.take("111111", key="a b@example.org"))
