from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from imchat.ports import MailKind, Purpose
from imchat.verify.logic import Order
from imchat.verify.mails import LANGUAGES, compose, pick_language

KINDS = [
    (MailKind.CODE, Purpose.REGISTRATION),
    (MailKind.CODE, Purpose.PASSWORD_RESET),
    (MailKind.ALREADY_REGISTERED, Purpose.REGISTRATION),
    (MailKind.NO_ACCOUNT, Purpose.PASSWORD_RESET),
]


def mail(kind=MailKind.CODE, purpose=Purpose.REGISTRATION, language="en", code="042137", lifetime_ms=300_000):
    return compose(
        Order("ada@example.org", purpose, kind, code if kind is MailKind.CODE else None, lifetime_ms, language)
    )


class Paragraphs(HTMLParser):
    """The text that stands in a page's paragraphs."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.inside = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.inside = tag == "p"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.found.append(data)


class LanguageTests(SynchronousTestCase):
    def test_what_browsers_and_phones_send(self):
        for header, language in {
            "zh-CN,zh;q=0.9,en;q=0.8": "zh",
            "zh-Hant-TW": "zh",
            "ZH": "zh",
            "en-US,en;q=0.9,zh-CN;q=0.8": "en",
            "en-GB, zh;q=0.3": "en",
            "en;q=0.2, zh-TW;q=0.9": "zh",
            "fr-FR, zh;q=0.1": "zh",
            "de, *;q=0.5": "en",
            "*": "en",
            "en;q=0, *": "zh",
            "zh;q=0": "en",
            "fr": "en",
            "": "en",
        }.items():
            self.assertEqual(pick_language(header), language, header)

    @given(st.text(max_size=80) | st.text(st.sampled_from("enzh-;q=0.19*, _"), max_size=80))
    def test_no_header_makes_anything_but_a_language(self, header):
        self.assertIn(pick_language(header), LANGUAGES)

    def test_an_endless_header_is_no_work(self):
        self.assertEqual(pick_language("x," * 1_000_000 + "zh"), "en")


class MailTests(SynchronousTestCase):
    def test_text_and_html_say_the_same(self):
        for language in LANGUAGES:
            for kind, purpose in KINDS:
                letter = mail(kind, purpose, language)
                paragraphs = [part.strip() for part in letter.text.split("\n\n")]
                self.assertEqual(Paragraphs(letter.html).found, paragraphs, (language, kind))
                self.assertNotIn("{", letter.text)

    def test_the_code_stands_alone_in_its_line_and_not_in_the_subject(self):
        for language in LANGUAGES:
            for purpose in Purpose:
                letter = mail(purpose=purpose, language=language)
                self.assertIn("\n\n    042137\n\n", letter.text)
                self.assertNotIn("042137", letter.subject)

    def test_how_long_the_code_is_valid(self):
        for lifetime_ms, english, chinese in (
            (300_000, "5 minutes", "5 分钟"),
            (60_000, "1 minute ", "1 分钟"),
            (90_000, "90 seconds", "90 秒"),
        ):
            self.assertIn(f"valid for {english}", mail(lifetime_ms=lifetime_ms).text)
            self.assertIn(f"验证码在 {chinese}内有效", mail(language="zh", lifetime_ms=lifetime_ms).text)

    def test_every_mail_says_what_to_do_if_one_did_not_ask(self):
        for kind, purpose in KINDS:
            self.assertIn("If it was not you", mail(kind, purpose).text)
            self.assertIn("如果不是您本人操作", mail(kind, purpose, "zh").text)

    def test_mails_without_a_code_have_no_number_that_looks_like_one(self):
        for kind, purpose in KINDS[2:]:
            for language in LANGUAGES:
                self.assertNotRegex(mail(kind, purpose, language).text, r"\d{4}")

    def test_each_mail_is_another(self):
        subjects = {mail(kind, purpose, language).subject for kind, purpose in KINDS for language in LANGUAGES}
        self.assertEqual(len(subjects), 8)

    def test_the_page_names_its_language(self):
        self.assertIn('<html lang="zh">', mail(language="zh-CN").html)
        self.assertEqual(mail(language="zh-CN").language, "zh")

    def test_markup_in_a_value_stays_text(self):
        letter = mail(code="<b>&\"'")
        self.assertIn("&lt;b&gt;&amp;", letter.html)
        self.assertNotIn("<b>", letter.html)
