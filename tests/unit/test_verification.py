from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.verification import check, digest, is_code, issue

TTL = 300_000


class CheckTests(SynchronousTestCase):
    def test_the_right_code_is_good_once(self):
        self.assertEqual(check(issue("012345", TTL, 0), "012345", 5, 10), (True, None))

    def test_a_wrong_one_is_counted_and_the_right_one_still_good(self):
        right, record = check(issue("012345", TTL, 0), "999999", 5, 10)
        self.assertFalse(right)
        self.assertEqual(record.wrong_tries, 1)
        self.assertEqual(check(record, "012345", 5, 20), (True, None))

    def test_void_after_the_last_wrong_try(self):
        record = issue("012345", TTL, 0)
        for _ in range(4):
            _, record = check(record, "000000", 5, 10)
        self.assertEqual(check(record, "000000", 5, 10), (False, None))

    def test_a_record_with_too_many_tries_is_void_whoever_kept_it(self):
        record = issue("012345", TTL, 0)
        for _ in range(4):
            _, record = check(record, "000000", 5, 10)
        self.assertEqual(check(record, "012345", 4, 10), (False, None))

    def test_good_up_to_its_end_and_not_at_it(self):
        record = issue("012345", TTL, 1_000)
        self.assertEqual(check(record, "012345", 5, 1_000 + TTL - 1), (True, None))
        self.assertEqual(check(record, "012345", 5, 1_000 + TTL), (False, None))

    def test_leading_zeros_count(self):
        self.assertFalse(check(issue("012345", TTL, 0), "12345", 5, 10)[0])

    @given(st.text(st.characters(exclude_categories=()), max_size=20))
    def test_any_text_can_be_tried(self, text):
        self.assertEqual(check(issue("012345", TTL, 0), text, 5, 10)[0], text == "012345")

    def test_what_is_compared_has_one_length(self):
        self.assertEqual({len(digest(code)) for code in ("", "1", "123456", "1" * 1_000)}, {32})


class FormTests(SynchronousTestCase):
    def test_six_ascii_digits(self):
        self.assertTrue(is_code("000000"))
        for text in ("", "12345", "1234567", "12 456", "-12345", "１２３４５６", "12345²", "abcdef"):
            self.assertFalse(is_code(text), text)
