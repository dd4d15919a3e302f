"""The contracts of AccountStore and InvitationStore."""

from twisted.internet.defer import Deferred, gatherResults

from imchat.domain.errors import EmailTaken, InvitationInvalid, NameTaken
from imchat.domain.models import Head, Invitation, UserCard
from tests.contract.stores import ANN, BOB, CAT, StoreContract


class AccountStoreContract(StoreContract):
    async def test_a_new_account_is_found_by_each_of_its_keys(self):
        user = await self.add_user()
        self.assertEqual(await self.stores.accounts.by_login("ann"), user)
        self.assertEqual(await self.stores.accounts.by_login("ann@example.org"), user)
        self.assertEqual(await self.stores.accounts.by_name("ann"), user)
        self.assertEqual(await self.stores.accounts.by_email("ann@example.org"), user)

    async def test_unknown_keys_find_nothing(self):
        await self.add_user()
        self.assertIsNone(await self.stores.accounts.by_login("bob"))
        self.assertIsNone(await self.stores.accounts.by_name("ann@example.org"))
        self.assertIsNone(await self.stores.accounts.by_email("ann"))

    async def test_keys_compare_as_binary(self):
        await self.add_user()
        for key in ("Ann", "ann ", "ánn", "an", "ann%", "_nn"):
            self.assertIsNone(await self.stores.accounts.by_login(key), key)
        await self.add_user(BOB, "änn")
        self.assertEqual((await self.stores.accounts.by_name("änn")).id, BOB)

    async def test_sql_and_foreign_scripts_in_names_are_letters(self):
        for number, name in enumerate(("x'; drop table account; --", "张伟", "?", "%s", "🙂")):
            await self.add_user(number + 1, name)
            self.assertEqual((await self.stores.accounts.by_name(name)).id, number + 1)

    async def test_a_new_account_has_an_empty_private_stream(self):
        await self.add_user()
        self.assertEqual(await self.head(ANN), Head(ANN, 0, 0, 0, 0, self.now_ms()))

    async def test_a_name_is_taken_once(self):
        await self.add_user()
        await self.fails(self.add_user(BOB, "ann", email="bob@example.org"), NameTaken)
        self.assertEqual(await self.stores.streams.heads([BOB]), {})

    async def test_an_address_is_taken_once(self):
        await self.add_user()
        await self.fails(self.add_user(BOB, "bob", email="ann@example.org"), EmailTaken)
        self.assertIsNone(await self.stores.accounts.by_name("bob"))

    async def test_two_at_once_for_one_name(self):
        tries = [Deferred.fromCoroutine(self.add_user(n, "ann", email=f"{n}@example.org")) for n in (ANN, BOB, CAT)]
        done = await gatherResults([d.addErrback(lambda failure: failure.check(NameTaken)) for d in tries])
        self.assertEqual(done.count(NameTaken), 2)

    async def test_creating_again_is_no_error(self):
        await self.add_user()
        self.assertEqual(await self.add_user(), await self.stores.accounts.by_name("ann"))

    async def test_a_password_is_replaced(self):
        await self.add_user()
        self.assertTrue(await self.stores.accounts.set_password(ANN, "new"))
        self.assertEqual((await self.stores.accounts.by_name("ann")).password_hash, "new")

    async def test_a_password_is_replaced_while_it_is_the_expected_one(self):
        await self.add_user()
        self.assertTrue(await self.stores.accounts.set_password(ANN, "newer", "hash of ann"))
        self.assertFalse(await self.stores.accounts.set_password(ANN, "newest", "hash of ann"))
        self.assertEqual((await self.stores.accounts.by_name("ann")).password_hash, "newer")

    async def test_replacing_a_password_again_says_the_same(self):
        await self.add_user()
        for _ in range(2):
            self.assertTrue(await self.stores.accounts.set_password(ANN, "newer", "hash of ann"))

    async def test_an_unknown_account_has_no_password(self):
        self.assertFalse(await self.stores.accounts.set_password(ANN, "new"))

    async def test_cards_of_those_that_exist_each_once(self):
        await self.add_people()
        cards = await self.stores.accounts.cards([BOB, 7, BOB, 2**64 - 1], ["ann", "nobody", "bob"])
        self.assertEqual(cards, [UserCard(ANN, "Ann"), UserCard(BOB, "Bob")])

    async def test_cards_of_nobody(self):
        self.assertEqual(await self.stores.accounts.cards([], []), [])

    async def test_cards_of_many(self):
        await self.add_people()
        cards = await self.stores.accounts.cards(range(1, 1_500), [f"name {n}" for n in range(500)])
        self.assertEqual([card.id for card in cards], [ANN, BOB, CAT])


class InvitationStoreContract(StoreContract):
    async def invite(self, uses=1, days=1, code="welcome"):
        invitation = Invitation(code, uses, self.now_ms() + days * 86_400_000)
        await self.stores.invitations.add(invitation, self.now_ms())

    async def usable(self, code="welcome"):
        return await self.stores.invitations.usable(code, self.now_ms())

    async def test_asking_uses_nothing_up(self):
        await self.invite()
        self.assertEqual([await self.usable(), await self.usable()], [True, True])

    async def test_an_unknown_code(self):
        await self.invite()
        self.assertFalse(await self.usable("Welcome"))
        await self.fails(self.add_user(invitation="Welcome"), InvitationInvalid)
        self.assertIsNone(await self.stores.accounts.by_name("ann"))

    async def test_each_account_uses_one_use(self):
        await self.invite(uses=2)
        await self.add_user(ANN, "ann", "welcome")
        self.assertTrue(await self.usable())
        await self.add_user(BOB, "bob", "welcome")
        self.assertFalse(await self.usable())
        await self.fails(self.add_user(CAT, "cat", "welcome"), InvitationInvalid)

    async def test_an_expired_code(self):
        await self.invite(days=1)
        self.elapse(86_400_000)
        self.assertFalse(await self.usable())
        await self.fails(self.add_user(invitation="welcome"), InvitationInvalid)

    async def test_a_refused_account_gives_the_use_back(self):
        await self.add_user()
        await self.invite()
        await self.fails(self.add_user(BOB, "ann", "welcome", "b@example.org"), NameTaken)
        self.assertTrue(await self.usable())

    async def test_creating_again_uses_no_second_use(self):
        await self.invite(uses=2)
        for _ in range(2):
            await self.add_user(invitation="welcome")
        self.assertTrue(await self.usable())

    async def test_many_at_once_use_up_what_there_is(self):
        await self.invite(uses=3)
        tries = [Deferred.fromCoroutine(self.add_user(n, f"user {n}", "welcome")) for n in range(1, 9)]
        done = await gatherResults([d.addErrback(lambda failure: failure.check(InvitationInvalid)) for d in tries])
        self.assertEqual(done.count(InvitationInvalid), 5)

    async def test_adding_again_gives_no_uses_back(self):
        await self.invite()
        await self.add_user(invitation="welcome")
        await self.invite()
        self.assertFalse(await self.usable())

    async def test_expired_codes_are_forgotten(self):
        await self.invite(code="old")
        self.elapse(86_400_000)
        await self.invite(code="new")
        self.assertEqual(await self.rows("SELECT code FROM invitation"), [(b"new",)])
