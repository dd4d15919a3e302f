import email
import email.policy
import stat
from pathlib import Path

from twisted.internet.defer import Deferred, succeed
from twisted.logger import capturedLogs
from twisted.trial.unittest import SynchronousTestCase

from imchat.domain.errors import Unavailable
from imchat.domain.sessions import DAY_MS
from imchat.ports import Mail
from imchat.verify.message import BadAddress, build, split_sender
from imchat.verify.outbox import KEPT_DAYS, OutboxMailer
from tests.fakes.ids import SeededIds

NOW = 1_800_000_000_123
MAIL = Mail("ada@example.org", "您的验证码", "code\n\n    123456\n\n.dot\n", "<p>123456</p>\n", "zh")


def parse(data: bytes):
    return email.message_from_bytes(data, policy=email.policy.default)


class MessageTests(SynchronousTestCase):
    def test_headers_and_both_forms(self):
        for transfer in ("base64", "8bit"):
            message = parse(build(MAIL, "Chat <chat@example.net>", "abc123", NOW, transfer))
            self.assertEqual(message["From"], "Chat <chat@example.net>")
            self.assertEqual(message["To"], "ada@example.org")
            self.assertEqual(message["Subject"], "您的验证码")
            self.assertEqual(message["Message-ID"], "<abc123@example.net>")
            self.assertEqual(message["Date"].datetime.timestamp(), NOW // 1000)
            self.assertEqual(message["Auto-Submitted"], "auto-generated")
            self.assertEqual(message["Content-Language"], "zh")
            self.assertEqual(message.get_content_type(), "multipart/alternative")
            text, html = message.iter_parts()
            self.assertEqual(text.get_content(), MAIL.text)
            self.assertEqual(html.get_content(), MAIL.html)
            self.assertEqual([part.get_content_charset() for part in (text, html)], ["utf-8"] * 2)

    def test_for_mail_servers_all_bytes_are_ascii_without_leading_dots(self):
        data = build(MAIL, "chat@example.net", "a", NOW)
        self.assertTrue(data.isascii())
        self.assertNotIn(b"\n.", data)
        self.assertNotIn(b"\r", data)

    def test_no_value_can_add_a_header(self):
        for to in (
            "a@b.org\r\nBcc: evil@example.org",
            "a@b.org, evil@example.org",
            "a@b.org\n",
            "<a@b.org> x",
            "张@b.org",
        ):
            self.assertRaises(BadAddress, build, Mail(to, "s", "t", "h", "en"), "c@d.org", "u", NOW)
        self.assertRaises(ValueError, build, Mail("a@b.org", "s\r\nBcc: x@y.z", "t", "h", "en"), "c@d.org", "u", NOW)
        self.assertRaises(ValueError, build, Mail("a@b.org", "s", "t", "h", "en\nBcc: x@y.z"), "c@d.org", "u", NOW)
        self.assertRaises(BadAddress, build, MAIL, "c@d.org\nBcc: x@y.z", "u", NOW)

    def test_senders(self):
        self.assertEqual(split_sender("imchat@localhost").addr_spec, "imchat@localhost")
        self.assertEqual(split_sender("聊天 <chat@example.net>").display_name, "聊天")
        for sender in ("", "chat", "Chat <>", "Chat <a b@c>"):
            self.assertRaises(BadAddress, split_sender, sender)


class OutboxTests(SynchronousTestCase):
    def setUp(self):
        self.directory = Path(self.mktemp()) / "outbox"
        self.now = NOW
        self.threaded = 0
        self.outbox = OutboxMailer(self.directory, SeededIds(1), lambda: self.now, self.in_thread)

    def in_thread(self, work):
        self.threaded += 1
        return succeed(work())

    def send(self, mail=MAIL):
        return Deferred.fromCoroutine(self.outbox.send(mail))

    def test_each_mail_becomes_a_file_that_only_its_owner_can_read(self):
        self.successResultOf(self.send())
        (path,) = self.directory.iterdir()
        self.assertEqual(path.suffix, ".eml")
        self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(self.directory.stat().st_mode), 0o700)
        self.assertEqual(parse(path.read_bytes())["To"], "ada@example.org")

    def test_people_can_read_the_code_in_the_file(self):
        self.successResultOf(self.send())
        (path,) = self.directory.iterdir()
        self.assertIn("    123456\n", path.read_text("utf-8"))

    def test_a_directory_that_others_could_read_is_closed(self):
        self.directory.mkdir(parents=True, mode=0o755)
        self.successResultOf(self.send())
        self.assertEqual(stat.S_IMODE(self.directory.stat().st_mode), 0o700)

    def test_names_sort_by_time_and_are_unique(self):
        for n in range(12):
            self.successResultOf(self.send(Mail("ada@example.org", str(n), "t", "h", "en")))
            self.now += 1 if n % 3 else 0
        names = sorted(self.directory.iterdir())
        self.assertEqual([parse(path.read_bytes())["Subject"] for path in names], [str(n) for n in range(12)])

    def test_old_mails_are_removed_and_nothing_else(self):
        self.successResultOf(self.send())
        (old,) = self.directory.iterdir()
        others = [self.directory / name for name in ("20010101T000000.000Z-notes.eml", "0.txt", ".hidden")]
        for path in others:
            path.touch()
        (self.directory / old.name.replace(old.name[:4], "2001")).mkdir()
        self.now += KEPT_DAYS * DAY_MS
        self.successResultOf(self.send())
        self.assertTrue(old.exists())
        self.now += 1
        self.successResultOf(self.send())
        self.assertFalse(old.exists())
        self.assertEqual([path for path in others if not path.exists()], [])
        self.assertEqual(len([path for path in self.directory.glob("*.eml") if path.is_file()]), 3)

    def test_writing_is_done_in_the_thread(self):
        pending = []
        self.outbox = OutboxMailer(
            self.directory, SeededIds(1), lambda: NOW, lambda work: pending.append(work) or Deferred()
        )
        self.assertNoResult(self.send())
        self.assertFalse(self.directory.exists())
        pending[0]()
        self.assertEqual(len(list(self.directory.iterdir())), 1)

    def test_the_log_says_where_the_mail_is_and_not_what_it_says(self):
        with capturedLogs() as events:
            self.successResultOf(self.send())
        (path,) = self.directory.iterdir()
        self.assertEqual([event["path"] for event in events], [path])
        self.assertNotIn("123456", repr(events))

    def test_a_directory_that_cannot_be_written_is_unavailable_and_one_line(self):
        self.directory.parent.mkdir(parents=True)
        self.directory.write_text("in the way")
        with capturedLogs() as events:
            self.failureResultOf(self.send(), Unavailable)
        self.assertEqual(len(events), 1)
        self.assertNotIn("log_failure", events[0])

    def test_an_address_that_would_add_a_header_is_refused(self):
        self.failureResultOf(self.send(Mail("a@b.org\nBcc: x@y.z", "s", "t", "h", "en")), Unavailable)
        self.assertEqual(self.threaded, 0)
