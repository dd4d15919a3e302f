"""Mail servers for tests: a real one in a thread of its own, and one that says what it is told to."""

import asyncio
import logging
import ssl
import threading
import warnings
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult
from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver

# What the server thinks of the tests' bad manners is not for the console.
logging.getLogger("mail.log").setLevel(logging.CRITICAL + 1)
warnings.filterwarnings("ignore", "Requiring AUTH while not requiring TLS", UserWarning)


class MailServer:
    """aiosmtpd on a free port of the loopback interface.

    Args:
        certificate: File with private key and certificate, for TLS.
        implicit_tls: TLS from the first byte rather than by STARTTLS.
        login: User name and password without which nothing is taken.
        refused: Addresses that are not taken.
        host: Address to listen at.

    Attributes:
        taken: (sender, recipients, content) of each mail.
        encrypted: Whether the connection of each mail was.
    """

    def __init__(
        self, certificate: Path | None = None, implicit_tls=False, login=None, refused=(), host="127.0.0.1"
    ) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.encrypted: list[bool] = []
        self._login = login
        self._host = host
        self._refused = refused
        self._implicit = implicit_tls
        self._context = None
        if certificate is not None:
            self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            self._context.load_cert_chain(certificate)
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._listening.wait(10), "the mail server did not start"

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        assert not self._thread.is_alive(), "the mail server did not stop"

    # aiosmtpd calls these.

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address in self._refused:
            return f"550 5.1.1 <{address}>: no such person {address.partition('@')[0]} here"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        self.taken.append((envelope.mail_from, envelope.rcpt_tos, envelope.content))
        self.encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"

    def _authenticate(self, server, session, envelope, mechanism, data):
        right = (data.login.decode(), data.password.decode()) == self._login
        return AuthResult(success=right, handled=right)

    def _protocol(self):
        starttls = self._context is not None and not self._implicit
        return SMTP(
            self,
            hostname="mail.test",
            ident="test",
            tls_context=self._context if starttls else None,
            require_starttls=starttls,
            authenticator=self._authenticate,
            auth_required=self._login is not None,
            auth_require_tls=starttls,
            loop=self._loop,
        )

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        context = self._context if self._implicit else None
        server = self._loop.run_until_complete(self._loop.create_server(self._protocol, self._host, 0, ssl=context))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()
        server.close()
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()


class ScriptedServer(LineReceiver):
    """Answers each command with what the script says for its first word, in small letters.

    ``""`` is the greeting, ``"."`` what follows the message; a word without an entry is answered ``250 OK``. None
    answers nothing, bytes are sent as they are, :data:`HANG_UP` closes.
    """

    HANG_UP = object()

    def connectionMade(self):
        self.factory.connections.append(self)
        self.in_message = False
        self.answer("")

    def connectionLost(self, reason):
        self.factory.connections.remove(self)

    def lineReceived(self, line):
        if self.in_message:
            if line == b".":
                self.in_message = False
                self.answer(".")
            return
        word = line.split(b" ")[0].decode("latin-1").lower()
        self.factory.commands.append(word)
        self.in_message = word == "data"
        self.answer(word)

    def answer(self, word):
        usual = {"": b"220 test", "data": b"354 go on", "ehlo": b"250 test"}.get(word, b"250 OK")
        line = self.factory.script.get(word, usual)
        if line is self.HANG_UP:
            self.transport.loseConnection()
        elif line is not None:
            self.sendLine(line)


class ScriptedFactory(Factory):
    """Makes :class:`ScriptedServer`.

    Attributes:
        commands: The first words of all that came.
        connections: Those that are open.
    """

    protocol = ScriptedServer
    noisy = False

    def __init__(self, script) -> None:
        self.script = script
        self.commands: list[str] = []
        self.connections: list[ScriptedServer] = []
