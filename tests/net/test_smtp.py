"""Mails through real sockets, to servers that take them and to servers that do not."""

import email
import email.policy
import re
import socket
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from imchat.domain.errors import Unavailable
from imchat.ports import Mail
from imchat.verify.settings import SmtpSettings
from imchat.verify.smtp import MAX_CONNECTIONS, SmtpMailer
from tests.fakes.certificates import Authority
from tests.fakes.ids import SeededIds
from tests.fakes.smtp import MailServer, ScriptedFactory, ScriptedServer

LOGIN = ("chat", "pässword-of-the-mailer")
MAIL = Mail("ada@example.org", "您的验证码", "code\n\n    123456\n\n.dot\n", "<p>123456</p>\n", "zh")
AUTHORITY = Authority()


class Resolving:
    """The reactor, with addresses of its own for every name; one that is None is never found."""

    def __init__(self, hosts):
        self.connectTCP = reactor.connectTCP
        self.nameResolver = self
        self._hosts = hosts

    def resolveHostName(self, receiver, name, port=0):
        receiver.resolutionBegan(None)
        if None in self._hosts:
            return
        for host in self._hosts:
            kind = IPv6Address if ":" in host else IPv4Address
            receiver.addressResolved(kind("TCP", host, port))
        receiver.resolutionComplete()


class SmtpCase(TestCase):
    timeout = 30

    def certificate(self, host="localhost", authority=AUTHORITY) -> Path:
        path = Path(self.mktemp())
        path.write_bytes(authority.issue(host))
        return path

    def mailer(self, port, security="none", timeout_ms=5_000, resolved=(), **settings) -> SmtpMailer:
        values = SmtpSettings(
            "localhost",
            port,
            security,
            ca_pem=settings.pop("ca_pem", AUTHORITY.pem),
            sender="Chat <chat@example.net>",
            timeout_ms=timeout_ms,
            **settings,
        )
        mailer = SmtpMailer(Resolving(resolved) if resolved else reactor, reactor, SeededIds(1), values)
        self.addCleanup(lambda: Deferred.fromCoroutine(mailer.stop()))
        return mailer

    async def failing(self, mailer, mail=MAIL) -> str:
        """Send in vain; the one line that the operator gets."""
        with capturedLogs() as events:
            try:
                await mailer.send(mail)
            except Unavailable as error:
                self.assertEqual(str(error), "the mail could not be sent")
                self.assertNotIn(
                    b">>>", getattr(error.__cause__, "log", None) or b"", "what was said holds the password"
                )
            else:
                self.fail("the mail was sent")
        told = [event for event in events if event["log_namespace"].startswith("imchat")]
        self.assertEqual(len(told), 1, events)
        self.assertEqual([event for event in events if "log_failure" in event], [])
        line = formatEvent(told[0])
        written = re.sub("0x[0-9a-f]+", "", repr(events))  # where objects are in memory may look like anything
        for secret in ("123456", LOGIN[1], "ada"):
            self.assertNotIn(secret, written)
        self.assertNotIn("\n", line)
        return line


class RealServerTests(SmtpCase):
    def server(self, **options) -> MailServer:
        server = MailServer(**options)
        self.addCleanup(server.stop)
        return server

    def assert_arrived(self, server):
        ((sender, recipients, content),) = server.taken
        self.assertEqual((sender, recipients), ("chat@example.net", ["ada@example.org"]))
        message = email.message_from_bytes(content, policy=email.policy.default)
        text, html = message.iter_parts()
        self.assertEqual((message["Subject"], text.get_content()), (MAIL.subject, MAIL.text))
        self.assertEqual(html.get_content(), MAIL.html)
        self.assertRegex(message["Message-ID"], r"\A<[0-9a-f]{32}@example.net>\Z")

    async def test_starttls_and_authentication(self):
        server = self.server(certificate=self.certificate(), login=LOGIN)
        await self.mailer(server.port, "starttls", username=LOGIN[0], password=LOGIN[1]).send(MAIL)
        self.assert_arrived(server)
        self.assertEqual(server.encrypted, [True])

    async def test_tls_from_the_first_byte_and_authentication(self):
        server = self.server(certificate=self.certificate(), login=LOGIN, implicit_tls=True)
        await self.mailer(server.port, "tls", username=LOGIN[0], password=LOGIN[1]).send(MAIL)
        self.assert_arrived(server)
        self.assertEqual(server.encrypted, [True])

    async def test_neither(self):
        server = self.server()
        await self.mailer(server.port).send(MAIL)
        self.assert_arrived(server)
        self.assertEqual(server.encrypted, [False])

    async def test_several_at_once(self):
        server = self.server()
        mailer = self.mailer(server.port)
        sent = [Deferred.fromCoroutine(mailer.send(MAIL)) for _ in range(5)]
        for mail in sent:
            await mail
        self.assertEqual(len(server.taken), 5)

    async def test_a_server_that_has_an_ipv6_address_only(self):
        server = self.server(host="::1")
        await self.mailer(server.port, resolved=["::1"]).send(MAIL)
        self.assert_arrived(server)

    async def test_the_next_address_is_tried_where_nobody_answers_at_the_first(self):
        server = self.server()
        await self.mailer(server.port, resolved=["::1", "127.0.0.2", "127.0.0.1"]).send(MAIL)
        self.assert_arrived(server)

    async def test_wrong_password(self):
        server = self.server(certificate=self.certificate(), login=LOGIN)
        mailer = self.mailer(server.port, "starttls", username="chat", password="wrong")
        self.assertIn("verify.smtp.password_file", await self.failing(mailer))
        self.assertEqual(server.taken, [])

    async def test_a_server_that_wants_a_login_that_is_not_configured(self):
        server = self.server(certificate=self.certificate(), login=LOGIN)
        self.assertIn("530", await self.failing(self.mailer(server.port, "starttls")))

    async def test_refused_recipient(self):
        server = self.server(refused=[MAIL.to])
        line = await self.failing(self.mailer(server.port))
        self.assertIn("refused the recipient (550 5.1.1 <...@example.org>", line)

    async def test_a_server_without_starttls_gets_no_mail(self):
        server = self.server()
        line = await self.failing(self.mailer(server.port, "starttls"))
        self.assertIn("does not offer STARTTLS", line)
        self.assertEqual(server.taken, [])

    async def test_a_certificate_for_another_name(self):
        for implicit, security in ((False, "starttls"), (True, "tls")):
            server = self.server(certificate=self.certificate("mail.example.org"), implicit_tls=implicit)
            self.assertIn("for another name", await self.failing(self.mailer(server.port, security)))
            self.assertEqual(server.taken, [])

    async def test_a_certificate_of_an_unknown_authority(self):
        for ca_pem in (Authority("Another").pem, None):
            server = self.server(certificate=self.certificate())
            line = await self.failing(self.mailer(server.port, "starttls", ca_pem=ca_pem))
            self.assertIn("verify.smtp.ca_file", line)
            self.assertEqual(server.taken, [])

    async def test_tls_where_the_server_begins_plain(self):
        server = self.server()
        self.assertIn("verify.smtp.security", await self.failing(self.mailer(server.port, "tls")))


class BadServerTests(SmtpCase):
    def server(self, script) -> ScriptedFactory:
        factory = ScriptedFactory(script)
        port = reactor.listenTCP(0, factory, interface="127.0.0.1")
        self.addCleanup(port.stopListening)
        self.port = port.getHost().port
        return factory

    async def failing_against(self, script, security="none", timeout_ms=5_000, resolved=(), **settings):
        self.factory = self.server(script)
        mailer = self.mailer(self.port, security, timeout_ms, **settings)
        line = await self.failing(mailer)
        await mailer.stop()
        return line

    async def test_hangs_after_the_connection(self):
        line = await self.failing_against({"": None}, timeout_ms=200)
        self.assertIn("verify.smtp.timeout", line)

    async def test_hangs_after_the_message(self):
        self.assertIn("verify.smtp.timeout", await self.failing_against({".": None}, timeout_ms=200))

    async def test_hangs_in_the_middle_of_starting_tls(self):
        script = {"ehlo": b"250-test\r\n250 STARTTLS", "starttls": b"220 go on"}
        self.assertIn("verify.smtp.timeout", await self.failing_against(script, "starttls", 200))

    async def test_hangs_where_tls_should_begin(self):
        self.assertIn("verify.smtp.timeout", await self.failing_against({"": None}, "tls", 200))

    async def test_a_hanging_connection_is_ended(self):
        factory = self.server({"": None})
        await self.failing(self.mailer(self.port, timeout_ms=200))
        (server,) = factory.connections or [None]
        if server is not None:
            lost = Deferred()
            server.connectionLost = lambda reason: (factory.connections.remove(server), lost.callback(None))
            await lost
        self.assertEqual(factory.connections, [])

    async def test_disconnects_in_the_middle(self):
        for word in ("", "ehlo", "mail", "rcpt", "data", "."):
            line = await self.failing_against({word: ScriptedServer.HANG_UP})
            self.assertIn("closed the connection before it took the mail", line, word)

    async def test_refuses_the_connection(self):
        self.assertIn("554 go away", await self.failing_against({"": b"554 go away"}))

    async def test_refuses_to_begin_tls(self):
        script = {"ehlo": b"250-test\r\n250 STARTTLS", "starttls": b"454 not now"}
        self.assertIn("refused to begin TLS", await self.failing_against(script, "starttls"))
        self.assertNotIn("mail", self.factory.commands)

    async def test_refuses_the_sender(self):
        self.assertIn("verify.smtp.sender", await self.failing_against({"mail": b"553 not from you"}))

    async def test_refuses_the_message(self):
        self.assertIn("452 disk full", await self.failing_against({".": b"452 disk full"}))

    async def test_knows_no_login_of_ours(self):
        script = {"ehlo": b"250-test\r\n250 AUTH GSSAPI"}
        line = await self.failing_against(script, username=LOGIN[0], password=LOGIN[1])
        self.assertIn("verify.smtp.username", line)

    async def test_is_no_mail_server(self):
        for greeting in (b"HTTP/1.1 400 Bad Request", b"\xff\xfe\x00", b""):
            self.assertIn("not SMTP", await self.failing_against({"": greeting}))

    async def test_an_answer_that_breaks_the_parser_is_a_failure_like_any_other(self):
        self.assertIn("not SMTP", await self.failing_against({"ehlo": b"250-test\r\n250-\r\n250 x"}))

    async def test_an_answer_that_would_forge_log_lines(self):
        line = await self.failing_against({"": b"554 a\x1b[2Jb\x00c\xff" + b"x" * 5_000})
        self.assertTrue(line.isprintable())
        self.assertLess(len(line), 500)

    async def test_talking_on_after_the_mail_was_taken_changes_nothing(self):
        for after in (b"999 what", b"garbage", b"554 no", None):
            factory = self.server({"rset": after, "quit": None})
            mailer = self.mailer(self.port)
            with capturedLogs() as events:
                await mailer.send(MAIL)
                if not factory.connections or after is None:
                    continue
                closed = Deferred()
                reactor.callLater(0.05, closed.callback, None)
                await closed
                await mailer.stop()
            self.assertEqual([event for event in events if "log_failure" in event], [], after)

    async def test_nothing_listens(self):
        with socket.create_server(("127.0.0.1", 0)) as unused:
            port = unused.getsockname()[1]
        self.assertIn("verify.smtp.port", await self.failing(self.mailer(port)))

    async def test_a_name_that_is_looked_up_for_ever(self):
        line = await self.failing(self.mailer(1, resolved=[None], timeout_ms=100))
        self.assertIn("within verify.smtp.timeout", line)
        mailer = self.mailer(1, resolved=[None])
        mail = Deferred.fromCoroutine(self.failing(mailer))
        await mailer.stop()
        await mail

    async def test_an_unknown_name(self):
        settings = SmtpSettings("mail.invalid", 25, "none", timeout_ms=5_000)
        line = await self.failing(SmtpMailer(reactor, reactor, SeededIds(1), settings))
        self.assertIn("verify.smtp.host", line)

    async def test_an_address_that_would_add_a_command_or_header(self):
        factory = self.server({})
        for to in ("ada@example.org\r\nRCPT TO:<evil@example.org>", "ada@example.org>\r\nBcc: evil@example.org"):
            await self.failing(self.mailer(self.port), Mail(to, "s", "t", "h", "en"))
        self.assertEqual(factory.commands, [])

    async def test_so_many_connections_and_no_more(self):
        self.server({"": None})
        mailer = self.mailer(self.port, timeout_ms=10_000)
        hanging = [Deferred.fromCoroutine(mailer.send(MAIL)) for _ in range(MAX_CONNECTIONS)]
        self.assertIn("on their way", await self.failing(mailer))
        with capturedLogs():
            await mailer.stop()
            for mail in hanging:
                await self.assertFailure(mail, Unavailable)
        self.flushLoggedErrors(ConnectionDone)


class SettingsTests(SynchronousTestCase):
    def test_unusable_settings_are_told_at_the_start(self):
        for settings in (
            SmtpSettings("localhost", ca_pem=b"no certificate"),
            SmtpSettings("localhost", sender="nobody"),
            SmtpSettings("localhost", sender="a@b.org\r\nBcc: c@d.org"),
        ):
            self.assertRaises(ValueError, SmtpMailer, reactor, reactor, SeededIds(1), settings)

    def test_the_password_does_not_show_in_a_repr(self):
        self.assertNotIn("geheim", repr(SmtpSettings("h", username="u", password="geheim")))
