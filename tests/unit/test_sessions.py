import contextlib
import hashlib

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unauthenticated
from imchat.domain.sessions import DAY_MS, expires_ms, hash_of_text, is_expired, token_bytes, token_text


class TokenTests(SynchronousTestCase):
    @given(st.binary(min_size=32, max_size=32))
    def test_text_and_bytes_are_one_to_one(self, token):
        text = token_text(token)
        self.assertEqual(token_bytes(text), token)
        self.assertRegex(text, r"\A[A-Za-z0-9_-]{43}\Z")

    def test_the_store_gets_the_hash_of_the_bytes(self):
        token = bytes(range(32))
        self.assertEqual(hash_of_text(token_text(token)), hashlib.sha256(token).digest())

    def test_a_second_spelling_of_a_token_is_refused(self):
        text = token_text(bytes(32))
        self.assertRaises(Unauthenticated, token_bytes, text[:-1] + "B")

    def test_garbage_is_unauthenticated(self):
        good = token_text(bytes(range(32)))
        for bad in ("", "x", good + "=", good[:-1], good + "A", " " + good[1:], "é" * 43, "+/" + good[2:], "\0" * 43):
            self.assertRaises(Unauthenticated, token_bytes, bad)

    @given(st.text(max_size=60))
    def test_no_text_makes_anything_but_unauthenticated(self, text):
        with contextlib.suppress(Unauthenticated):
            self.assertEqual(token_text(token_bytes(text)), text)


class ExpiryTests(SynchronousTestCase):
    def test_a_session_ends_when_its_lifetime_passed_unused(self):
        self.assertEqual(expires_ms(1_000, 30 * DAY_MS), 1_000 + 30 * DAY_MS)
        self.assertFalse(is_expired(1_000, 500, 1_499))
        self.assertTrue(is_expired(1_000, 500, 1_500))
