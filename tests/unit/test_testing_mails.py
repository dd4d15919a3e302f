"""The mails of a private cluster: files in which a person finds the code."""

import email
import email.policy
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imchat.ports import Mail
from imchat.testing.embedded import code_in_outbox
from imchat.testing.mails import readable
from imchat.verify.message import build

MAIL = Mail("ada@example.org", "您的验证码", "验证码：\n\n    123456\n", "<p>123456</p>\n", "zh")


class ReadableTests(SynchronousTestCase):
    def test_what_servers_are_sent_as_base64_can_be_read_in_the_file(self):
        sent = build(MAIL, "Chat <chat@example.net>", "unique", 1_800_000_000_000)
        self.assertNotIn(b"123456", sent)
        shown = readable(sent)
        self.assertIn("验证码：\n\n    123456\n", shown.decode("utf-8"))
        message = email.message_from_bytes(shown, policy=email.policy.default)
        self.assertEqual((message["To"], message["Subject"]), ("ada@example.org", "您的验证码"))
        self.assertEqual([part.get_content() for part in message.iter_parts()], [MAIL.text, MAIL.html])

    def test_programs_find_the_code_too(self):
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "000001.eml").write_bytes(readable(build(MAIL, "chat@example.net", "unique", 0)))
        self.assertEqual(code_in_outbox(directory, "ada@example.org"), "123456")
