"""The contracts of PeopleStore, and of the end of an account."""

from imchat.domain.announcing import Announcer
from imchat.domain.content import digest
from imchat.domain.models import Device, Draft, UserCard
from imchat.domain.people import ContactRequest, Profile, ProfileChange, RequestState, SessionInfo, Settings
from imchat.domain.profiles import SearchQuery, search_query
from imchat.net.content import WireContentCodec
from tests.contract.stores import ANN, BOB, CAT, LIFETIME_MS, TALK, StoreContract, cid, device, token
from tests.fakes.ids import SeededIds

PROFILE = 71
CODEC = WireContentCodec()


def announcing(number="profile"):
    """Makes drafts whose content is the text of the note."""
    notes = []

    def announce(told):
        notes.extend(told)
        return [
            Draft(stream_id, 0, cid(f"{number} {place}"), PROFILE, repr(note).encode(), digest(PROFILE, b""))
            for place, (stream_id, note) in enumerate(told)
        ]

    announce.notes = notes
    return announce


class ProfileContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()

    async def change(self, user_id=ANN, announce=None, **wanted):
        return await self.stores.people.change_profile(user_id, ProfileChange(**wanted), announce or announcing())

    async def test_a_new_account_has_an_empty_profile(self):
        expected = Profile(UserCard(ANN, "Ann"), "ann@example.org", Settings())
        self.assertEqual(await self.stores.people.profile(ANN), expected)

    async def test_nobody_has_no_profile(self):
        self.assertIsNone(await self.stores.people.profile(77))
        self.assertIsNone(await self.change(77, nickname="x"))

    async def test_what_is_changed_is_seen_by_oneself_and_by_others(self):
        everything = {"nickname": "Ännchen 🙂", "signature": "so'?%s", "gender": 1, "region": "東京", "avatar": "p/1"}
        done = await self.change(**everything, hidden_from_search=True, presence_hidden=True, receipts_off=True)
        card = UserCard(ANN, "Ann", **everything)
        expected = Profile(card, "ann@example.org", Settings(True, True, True))
        self.assertEqual(done.profile, expected)
        self.assertEqual(await self.stores.people.profile(ANN), expected)
        self.assertEqual(await self.stores.accounts.cards([ANN, BOB], []), [card, UserCard(BOB, "Bob")])

    async def test_what_is_absent_stays_and_what_is_empty_goes(self):
        await self.change(nickname="Nan", region="here", receipts_off=True)
        await self.change(announce=announcing(2), region="", gender=0)
        profile = await self.stores.people.profile(ANN)
        self.assertEqual(profile.card, UserCard(ANN, "Ann", nickname="Nan"))
        self.assertEqual(profile.settings, Settings(receipts_off=True))

    async def test_a_change_is_told_to_ones_own_devices_without_the_address(self):
        announce = announcing()
        done = await self.change(announce=announce, nickname="Nan")
        self.assertEqual([(ANN, 1)], [(event.stream_id, event.seq) for event in done.events])
        self.assertEqual(announce.notes, [(ANN, Profile(UserCard(ANN, "Ann", nickname="Nan"), "", Settings()))])
        self.assertEqual((await self.read(ANN, ANN, after=0)).events, done.events)

    async def test_where_nothing_changes_nothing_is_told(self):
        await self.change(nickname="Nan")
        done = await self.change(announce=announcing(2), nickname="Nan", gender=0)
        self.assertEqual((done.events, done.profile.card.nickname), ((), "Nan"))
        self.assertEqual((await self.head(ANN)).last_seq, 1)

    async def test_the_same_change_again_finds_what_it_told(self):
        first = await self.change(nickname="Nan")
        self.assertEqual(await self.change(nickname="Nan"), first)
        self.assertEqual((await self.head(ANN)).last_seq, 1)


class SearchContract(StoreContract):
    async def nickname(self, user_id, nickname):
        change = ProfileChange(nickname=nickname)
        await self.stores.people.change_profile(user_id, change, announcing(f"{user_id} {nickname}"))

    async def add(self, *names, first=1):
        for number, name in enumerate(names, first):
            await self.add_user(number, name)

    async def found(self, text, limit=50):
        """The ids that all pages of a search find."""
        query = search_query(text)
        ids, place = [], None
        while True:
            page, place = await self.stores.people.search(query, place, limit)
            self.assertLessEqual(len(page), limit)
            ids += [card.id for card in page]
            if place is None:
                return ids

    async def test_by_exact_id_only(self):
        await self.add_people()
        self.assertEqual(await self.found("1001"), [ANN])
        self.assertEqual(await self.found("100"), [])

    async def test_by_name_from_its_beginning_an_exact_one_first(self):
        await self.add("annabel", "ann", "hann", "an", "anm", "bo")
        self.assertEqual(await self.found("ann"), [2, 1])
        self.assertEqual(await self.found("AN"), [4, 5, 2, 1])

    async def test_by_nickname_in_any_case_names_first_each_once(self):
        await self.add("max", "ann", "maria", "bo")
        for user_id, nickname in ((2, "Mandy"), (3, "Mary"), (4, "May"), (1, "Zoe")):
            await self.nickname(user_id, nickname)
        self.assertEqual(await self.found("ma"), [3, 1, 2, 4])
        self.assertEqual(await self.found("ZO"), [1])

    async def test_one_character_of_a_script_in_which_one_says_enough(self):
        await self.add("张伟", "张", "李娜", "bo")
        await self.nickname(4, "张大")
        self.assertEqual(await self.found("张"), [2, 1, 4])

    async def test_the_page_does_not_matter(self):
        await self.add(*(f"max{number}" for number in range(5)))
        await self.add(*(f"other{number}" for number in range(5)), first=11)
        for number in range(11, 16):
            await self.nickname(number, "Maxim" if number % 2 else "Max")
        await self.add_user(42, "42nd")
        await self.nickname(1, "42")
        whole = await self.found("max")
        self.assertEqual(whole, [1, 2, 3, 4, 5, 12, 14, 11, 13, 15])
        for limit in (1, 2, 3, 5, 9, 10):
            self.assertEqual(await self.found("max", limit), whole, limit)
            self.assertEqual(await self.found("42", limit), [42, 1], limit)

    async def test_wildcards_and_the_end_of_the_alphabet_are_letters(self):
        await self.add("anna", "a_na", "z")
        await self.nickname(3, "100%\U0010ffff\U0010ffff")
        self.assertEqual(await self.found("a_"), [2])
        self.assertEqual(await self.found("a%"), [])
        self.assertEqual(await self.found("100%"), [3])
        self.assertEqual(await self.found("100%\U0010ffff"), [3])

    async def test_who_hides_is_not_found_in_any_way(self):
        await self.add_people()
        await self.nickname(ANN, "Nan")
        change = ProfileChange(hidden_from_search=True)
        await self.stores.people.change_profile(ANN, change, announcing("hide"))
        self.assertEqual([await self.found(text) for text in ("1001", "ann", "nan")], [[], [], []])
        self.assertEqual([card.id for card in await self.stores.accounts.cards([], ["ann"])], [ANN])

    async def test_nobody_is_found_by_an_address(self):
        await self.add_people()
        for query in (SearchQuery(None, "ann@example.org"), SearchQuery(None, "ann@")):
            self.assertEqual(await self.stores.people.search(query, None, 10), ([], None))


class DeletionContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()

    async def delete(self, user_id=ANN, expected="hash of ann"):
        announce = Announcer(CODEC, SeededIds(3).client_id).begin()
        return await self.stores.accounts.delete(user_id, expected, announce, self.now_ms())

    async def test_nobody_finds_it_but_by_id(self):
        change = ProfileChange("Nan", "so it goes", 1, "here", "p/1")
        await self.stores.people.change_profile(ANN, change, announcing())
        self.assertTrue(await self.delete())
        accounts, people = self.stores.accounts, self.stores.people
        for look in (accounts.by_login("ann"), accounts.by_login("ann@example.org"), accounts.by_name("ann")):
            self.assertIsNone(await look)
        self.assertIsNone(await accounts.by_email("ann@example.org"))
        self.assertIsNone(await people.profile(ANN))
        self.assertIsNone(await people.change_profile(ANN, change, announcing(2)))
        for text in ("1001", "ann", "nan", "deleted"):
            self.assertEqual(await people.search(search_query(text), None, 10), ([], None))
        self.assertEqual(await accounts.cards([ANN], []), [UserCard(ANN, "deleted-1001", deleted=True)])

    async def test_the_placeholders_lead_nowhere(self):
        await self.delete()
        for key in ("deleted/1001", "deleted-1001", ""):
            for look in (self.stores.accounts.by_login, self.stores.accounts.by_name, self.stores.accounts.by_email):
                self.assertIsNone(await look(key), key)
            self.assertEqual(await self.stores.accounts.cards([], [key]), [])
        found, _ = await self.stores.people.search(SearchQuery(ANN, ""), None, 10)
        self.assertEqual([card.id for card in found], [BOB, CAT])

    async def test_nothing_that_it_was_known_by_is_kept(self):
        await self.delete()
        columns = "name_key, email, email_key, password_hash, nickname, nickname_key, signature, region, avatar"
        (row,) = await self.rows(f"SELECT {columns} FROM account WHERE user_id = ?", ANN)
        self.assertEqual(row, (b"deleted/1001", "", b"deleted/1001", "", "", b"", "", "", ""))

    async def test_nor_what_was_told_to_its_own_devices_nor_what_it_deleted_for_itself(self):
        for user_id in (ANN, BOB):
            await self.stores.people.change_profile(user_id, ProfileChange("Nan"), announcing(user_id))
            await self.sql("INSERT INTO deletion VALUES (?, ?, 1)", user_id, TALK)
        await self.delete()
        self.assertEqual(await self.rows("SELECT stream_id FROM event"), [(BOB,)])
        self.assertEqual(await self.rows("SELECT user_id FROM deletion"), [(BOB,)])

    async def test_name_and_address_are_free_again(self):
        await self.delete()
        await self.add_user(77, "ann")
        self.assertEqual((await self.stores.accounts.by_login("ann")).id, 77)
        self.assertTrue(await self.delete(77))
        await self.add_user(78, "ann")

    async def test_nobody_gets_in_any_more(self):
        sessions = self.stores.sessions
        await sessions.open(ANN, device(), token(1), self.now_ms())
        await sessions.open(BOB, device(), token(2), self.now_ms())
        await self.delete()
        self.assertIsNone(await sessions.by_token(token(1), self.now_ms()))
        self.assertIsNone(await sessions.hello(token(1), "phone", self.now_ms()))
        self.assertEqual(await sessions.generations([(ANN, "phone")]), {})
        self.assertIsNotNone(await sessions.by_token(token(2), self.now_ms()))
        # A login that was let in before and comes now.
        await sessions.open(ANN, device(), token(3), self.now_ms())
        self.assertIsNone(await sessions.by_token(token(3), self.now_ms()))
        for expected in ("hash of ann", "", None):
            self.assertFalse(await self.stores.accounts.set_password(ANN, "new", expected))

    async def test_another_password_deletes_nothing(self):
        self.assertFalse(await self.delete(expected="hash of bob"))
        self.assertFalse(await self.delete(77))
        self.assertIsNotNone(await self.stores.accounts.by_name("ann"))
        self.assertIsNone(await self.stores.accounts.by_name("nobody"))

    async def test_again_is_no_error_and_changes_nothing(self):
        await self.open_direct()
        await self.delete()
        before = await self.rows("SELECT * FROM account ORDER BY user_id"), await self.head()
        self.elapse(5_000)
        self.assertTrue(await self.delete())
        self.assertEqual((await self.rows("SELECT * FROM account ORDER BY user_id"), await self.head()), before)

    async def test_each_conversation_has_a_new_version_of_its_membership(self):
        await self.open_direct(ANN, BOB, TALK)
        await self.open_direct(CAT, ANN, TALK + 1)
        await self.open_direct(CAT, BOB, TALK + 2)
        before = [await self.head(TALK + number) for number in range(3)]
        await self.delete()
        after = [await self.head(TALK + number) for number in range(3)]
        raised = [new.member_version - old.member_version for old, new in zip(before, after, strict=True)]
        self.assertEqual(raised, [1, 1, 0])

    async def test_more_conversations_than_one_statement_names(self):
        for number in range(1, 701):
            await self.sql("INSERT INTO head VALUES (?, 0, 0, 0, 0, 0)", 10_000 + number)
            await self.sql("INSERT INTO member VALUES (?, ?, 0)", 10_000 + number, ANN)
        await self.delete()
        self.assertEqual(
            await self.rows("SELECT COUNT(*), SUM(member_version) FROM head WHERE stream_id > 10000"), [(700, 700)]
        )

    async def test_own_contacts_and_requests_are_gone_and_those_of_others_stay(self):
        for user_id, peer_id in ((ANN, BOB), (BOB, ANN), (BOB, CAT)):
            await self.sql("INSERT INTO contact VALUES (?, ?, 1, 0, '', '', 0, 1)", user_id, peer_id)
            await self.sql("INSERT INTO contact_request VALUES (?, ?, '', '', 1, 1, 1)", user_id, peer_id)
        await self.delete()
        contacts = await self.rows("SELECT user_id, peer_id FROM contact ORDER BY user_id, peer_id")
        self.assertEqual(contacts, [(BOB, ANN), (BOB, CAT)])
        self.assertEqual(await self.rows("SELECT to_id, from_id FROM contact_request"), [(BOB, CAT)])

    async def test_who_waits_for_an_answer_and_who_is_asked_are_told_that_it_is_over(self):
        now_ms = self.now_ms()
        for to_id, from_id, state in ((BOB, ANN, 1), (ANN, CAT, 4), (ANN, BOB, 3), (CAT, ANN, 6)):
            values = (to_id, from_id, "hi", "my remark", state, now_ms, now_ms)
            await self.sql("INSERT INTO contact_request VALUES (?, ?, ?, ?, ?, ?, ?)", *values)
        await self.delete()
        told = {}
        for user_id in (BOB, CAT):
            found = await self.stores.streams.read(user_id, user_id, after=0, before=None, limit=9, max_bytes=9_999)
            told[user_id] = [CODEC.decode(event.kind, event.content) for event in found.events]
        over = RequestState.EXPIRED
        # Ignored by ann, which cat does not know; withheld from cat, who knows nothing of it.
        to_bob = ContactRequest(ANN, True, "hi", "", over, now_ms, now_ms)
        to_cat = ContactRequest(ANN, False, "hi", "my remark", over, now_ms, now_ms)
        self.assertEqual(told, {BOB: [to_bob], CAT: [to_cat]})

    async def test_no_new_talk_with_somebody_who_is_gone(self):
        await self.open_direct(ANN, BOB, TALK)
        await self.delete()
        self.assertIsNone(await self.open_direct(CAT, ANN, TALK + 1))
        self.assertEqual((await self.open_direct(BOB, ANN, TALK + 2)).conversation_id, TALK)


class SessionListContract(StoreContract):
    async def setUp(self):
        await super().setUp()
        await self.add_people()

    async def open(self, user_id, device_id, number):
        await self.stores.sessions.open(user_id, device(device_id), token(number), self.now_ms())

    async def listed(self, user_id=ANN):
        return await self.stores.sessions.of_user(user_id, self.now_ms())

    async def test_the_devices_of_one_user_the_last_used_first(self):
        start = self.now_ms()
        await self.open(ANN, "phone", 1)
        await self.open(BOB, "phone", 2)
        self.elapse(1_000)
        await self.open(ANN, "laptop", 3)
        self.assertEqual([info.device.device_id for info in await self.listed()], ["laptop", "phone"])
        self.elapse(1_000)
        await self.stores.sessions.hello(token(1), "phone", self.now_ms(), "192.0.2.7")
        expected = [
            SessionInfo(Device("phone", "my phone", "test"), start, start + 2_000, "192.0.2.7"),
            SessionInfo(Device("laptop", "my laptop", "test"), start + 1_000, start + 1_000, ""),
        ]
        self.assertEqual(await self.listed(), expected)

    async def test_the_address_is_that_of_the_last_connection(self):
        await self.open(ANN, "phone", 1)
        for address in ("192.0.2.7", "2001:db8::1", "x" * 300):
            await self.stores.sessions.hello(token(1), "phone", self.now_ms(), address)
        self.assertEqual([info.address for info in await self.listed()], ["x" * 255])

    async def test_expired_ones_are_left_out(self):
        await self.open(ANN, "phone", 1)
        self.elapse(LIFETIME_MS)
        self.assertEqual(len(await self.listed()), 1)
        self.elapse(1)
        self.assertEqual(await self.listed(), [])
