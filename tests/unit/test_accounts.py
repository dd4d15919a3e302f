"""The rules for names, addresses, passwords and devices."""

from __future__ import annotations

import re
import unicodedata

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain import accounts
from imchat.domain.errors import InvalidRequest, ValueRefused, WeakPassword
from imchat.domain.models import Device


class KeyTests(SynchronousTestCase):
    @given(st.text())
    def test_key_is_its_own_key(self, text: str) -> None:
        key = accounts.name_key(text)
        self.assertEqual(accounts.name_key(key), key)

    @given(st.text())
    def test_compatible_forms_have_one_key(self, text: str) -> None:
        for form in ("NFC", "NFD", "NFKC", "NFKD"):
            self.assertEqual(accounts.name_key(unicodedata.normalize(form, text)), accounts.name_key(text))

    def test_case_and_width_do_not_make_another_name(self) -> None:
        self.assertEqual(accounts.name_key("Alice"), accounts.name_key("ａＬＩＣＥ"))
        self.assertEqual(accounts.name_key("STRASSE"), accounts.name_key("straße"))
        self.assertNotEqual(accounts.name_key("alice"), accounts.name_key("alicia"))

    def test_address_is_the_same_in_any_case_and_notation(self) -> None:
        self.assertEqual(accounts.email_key("Alice@Example.ORG"), "alice@example.org")
        self.assertEqual(accounts.email_key("a@bücher.example.org"), accounts.email_key("a@xn--bcher-kva.example.org"))

    @given(st.text(max_size=300))
    def test_anything_typed_at_login_has_a_key(self, text: str) -> None:
        accounts.login_key(text)

    def test_login_is_an_address_only_with_an_at_sign(self) -> None:
        self.assertEqual(accounts.login_key("A@Bücher.example.org"), "a@xn--bcher-kva.example.org")
        self.assertEqual(accounts.login_key("Alice"), "alice")

    def test_invitation_in_any_case_and_grouping(self) -> None:
        self.assertEqual(accounts.invitation_key("abcd-EFGH"), accounts.invitation_key("ABCDEFGH"))


class NameTests(SynchronousTestCase):
    GOOD = ("al", "Alice", "张伟", "Łukasz Ąęć", "O.Neil-2", "user_1", "हिन्दी", "محمد", "Jr.", "a" * 32, "7of9")
    BAD = (
        ("a", "short"),
        ("a" * 33, "long"),
        ("", "empty"),
        (" alice", "leading space"),
        ("alice ", "trailing space"),
        ("al  ice", "two spaces"),
        ("alice\n", "trailing line feed"),
        ("al\x00ice", "NUL"),
        ("al\u202eice", "change of direction"),
        ("al\u200bice", "zero width space"),
        ("al\u3164ice", "invisible letter"),
        ("al\ufe0fice", "variation selector"),
        ("al\u3000ice", "ideographic space"),
        ("al\u00a0ice", "no-break space"),
        ("alice@example.org", "address"),
        ("alice＠example", "wide at sign"),
        ("<b>alice</b>", "markup"),
        ("'; DROP TABLE user; --", "SQL"),
        ("alice😀", "symbol"),
        ("deleted-42", "what those are called who are gone"),
        ("Ｄeleted-７", "the same, wide"),
        ("12345", "digits only, as an id"),
        ("_alice", "leading punctuation"),
        ("\u0301alice", "leading mark"),
        ("ali\u0345\u0346\u0347\u0348\u0349ce", "stacked marks"),
        ("\ufe70x", "a letter whose compatibility form begins with a space"),
        ("\ufdfa\ufdfa", "two ligatures of 18 characters each"),
        ("e\u0301", "one character in two code points"),
    )

    def test_good_names(self) -> None:
        for name in self.GOOD:
            self.assertEqual(accounts.check_name(name), name)

    def test_bad_names(self) -> None:
        for name, why in self.BAD:
            error = self.assertRaises(ValueRefused, accounts.check_name, name)
            self.assertEqual(error.field, "name", why)

    def test_stored_form_is_composed(self) -> None:
        self.assertEqual(accounts.check_name("Jose\u0301"), "Jos\u00e9")

    @given(st.text(max_size=40))
    def test_what_is_accepted_holds_to_the_rules(self, text: str) -> None:
        try:
            name = accounts.check_name(text)
        except ValueRefused:
            return
        self.assertRegex(name, accounts.NAME_PATTERN)
        self.assertNotIn("@", accounts.name_key(name))
        self.assertLessEqual(len(accounts.name_key(name)), accounts.MAX_NAME_KEY)
        self.assertFalse(any(unicodedata.category(c)[0] in "CSZ" and c != " " for c in accounts.name_key(name)))
        self.assertEqual(accounts.check_name(name), name)


class EmailTests(SynchronousTestCase):
    def test_stored_form_is_what_mail_servers_take(self) -> None:
        self.assertEqual(accounts.check_email("Alice@Bücher.Example.org"), "Alice@xn--bcher-kva.example.org")

    def test_refused(self) -> None:
        for address in (
            "alice",
            "alice@",
            "@example.org",
            "alice@localhost",
            "a..b@example.org",
            "alice@exa mple.org",
            "Alice <alice@example.org>",
            '"quoted"@example.org',
            "alice@[127.0.0.1]",
            "alice@example.org\n",
            "alice@example.org\nBcc: x@example.org",
            "用户@example.org",
            "a" * 65 + "@example.org",
            "a@" + "b" * 60 + ("." + "b" * 60) * 4 + ".org",
        ):
            error = self.assertRaises(ValueRefused, accounts.check_email, address)
            self.assertEqual(error.field, "email")

    @given(st.emails(domains=st.just("mail.example.org")))
    def test_published_pattern_refuses_no_good_address(self, address: str) -> None:
        try:
            accounts.check_email(address)
        except ValueRefused:
            return
        self.assertTrue(re.fullmatch(accounts.EMAIL_PATTERN, address), address)

    def test_published_pattern_takes_international_domains(self) -> None:
        self.assertRegex("a.b+c@bücher.example.org", accounts.EMAIL_PATTERN)
        self.assertRegex("a@例子.中国", accounts.EMAIL_PATTERN)


class PasswordTests(SynchronousTestCase):
    def test_length_is_8_to_256_characters(self) -> None:
        good = "kx9 " * 64
        self.assertEqual(accounts.check_password(good), good)
        self.assertEqual(accounts.check_password("qz7!vb2m"), "qz7!vb2m")
        self.assertRaises(ValueRefused, accounts.check_password, "qz7!vb2")
        self.assertRaises(ValueRefused, accounts.check_password, good + "x")

    def test_length_counts_what_is_seen(self) -> None:
        self.assertRaises(ValueRefused, accounts.check_password, "e\u0301" * 4)

    def test_common_ones_in_any_case_and_width(self) -> None:
        for password in ("password", "PassWord", "12345678", "ｐａｓｓｗｏｒｄ", "qwertyuiop"):
            self.assertRaises(WeakPassword, accounts.check_password, password)

    def test_own_name_and_address(self) -> None:
        name, email = "Bartholomew K", "bartholomew.k@example.org"
        for password in ("bartholomew k", "BARTHOLOMEW K", "Bartholomew.K@example.org", "bartholomew.k"):
            self.assertRaises(WeakPassword, accounts.check_password, password, name, email)
        self.assertEqual(accounts.check_password("bartholomew k"), "bartholomew k")

    def test_composed_and_decomposed_are_one_password(self) -> None:
        self.assertEqual(accounts.prepare_password("cafe\u0301 noir"), accounts.check_password("caf\u00e9 noir"))


class DeviceTests(SynchronousTestCase):
    def test_good(self) -> None:
        accounts.check_device(Device("a" * 64, "Alice 的手机", "linux"))
        accounts.check_device(Device("A.b_c-1", "x", "y" * 64))

    def test_bad(self) -> None:
        good = Device("id", "name", "platform")
        for device in (
            Device("", good.device_name, good.platform),
            Device("a" * 65, good.device_name, good.platform),
            Device("id\n", good.device_name, good.platform),
            Device("id/../x", good.device_name, good.platform),
            Device(good.device_id, "", good.platform),
            Device(good.device_id, "n" * 65, good.platform),
            Device(good.device_id, "a\x1b[31m", good.platform),
            Device(good.device_id, "a\u202eb", good.platform),
            Device(good.device_id, "a\u200fb", good.platform),
            Device(good.device_id, good.device_name, "a\u061cb"),
            Device(good.device_id, good.device_name, "x\x00"),
            Device(good.device_id, good.device_name, "x\n"),
        ):
            self.assertRaises(InvalidRequest, accounts.check_device, device)
