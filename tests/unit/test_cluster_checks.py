"""What the servers of a cluster refuse before they start, each in one line that names the setting."""

import socket
from pathlib import Path

from twisted.internet.testing import MemoryReactorClock
from twisted.trial.unittest import SynchronousTestCase

from imchat.assemble import Place, build_chat, build_gate, build_status, build_verify
from imchat.assemble.settings import mysql_settings, redis_settings
from imchat.config import load
from imchat.net.redis import RedisPool
from imchat.startup import StartupError, check_shared_socket_path, node_name
from imchat.store.mysql import open_database

SECRET = "links.secret=0f1e2d3c4b5a69788796a5b4c3d2e1f0"
REDIS = "redis.endpoint=tcp:127.0.0.1:6379"
DATABASE = ("database.host=127.0.0.1", "database.port=1", "database.password=not-a-default-one")
MAIL = "verify.smtp.host=mail.example.org"


def build(kind, config, reactor):
    """Build a server as its tap does."""
    if kind in ("gate", "chat"):
        return {"gate": build_gate, "chat": build_chat}[kind](config, reactor, Place(), ["server"])
    return {"verify": build_verify, "status": build_status}[kind](config, reactor)


class Refusals(SynchronousTestCase):
    def refuse(self, kind, *assignments):
        config = load(None, [f"server.data_dir={self.mktemp()}", *assignments], {})
        text = str(self.assertRaises(StartupError, build, kind, config, MemoryReactorClock()))
        self.assertEqual(len(text.splitlines()), 1)
        return text

    def test_every_server_wants_the_shared_secret(self):
        for kind in ("gate", "chat", "status", "verify"):
            self.assertIn("links.secret", self.refuse(kind, REDIS, MAIL, *DATABASE))

    def test_secrets_that_everybody_would_guess(self):
        self.assertIn("links.secret", self.refuse("status", "links.secret=change-me-change-me", REDIS))
        self.assertIn("database.password", self.refuse("status", SECRET, REDIS, *DATABASE, "database.password=imchat"))
        self.assertIn("redis.password", self.refuse("status", SECRET, REDIS, "redis.password=Password"))

    def test_a_secret_in_two_places_or_in_an_empty_file(self):
        path = Path(self.mktemp())
        self.assertIn(str(path), self.refuse("status", f"links.secret_file={path}"))
        path.write_text("\n")
        self.assertIn("is empty", self.refuse("status", f"links.secret_file={path}"))
        self.assertIn("both", self.refuse("status", SECRET, f"links.secret_file={path}"))

    def test_no_redis_or_an_open_one(self):
        self.assertIn("redis.endpoint", self.refuse("verify", SECRET, MAIL))
        text = self.refuse("verify", SECRET, MAIL, "redis.endpoint=tcp:redis.example.org:6379")
        self.assertIn("redis.password", text)

    def test_no_database_or_one_that_does_not_answer(self):
        for kind in ("gate", "chat", "status"):
            self.assertIn("database.host", self.refuse(kind, SECRET, REDIS))
            self.assertIn("127.0.0.1:1", self.refuse(kind, SECRET, REDIS, *DATABASE))
        self.assertIn("database.password", self.refuse("status", SECRET, REDIS, *DATABASE[:2]))

    def test_verify_without_a_mail_server(self):
        self.assertIn("verify.smtp.host", self.refuse("verify", SECRET, REDIS))

    def test_links_that_would_carry_secrets_in_clear(self):
        text = self.refuse("verify", SECRET, REDIS, MAIL, "verify.listen=tcp:8091")
        self.assertIn("verify.listen", text)
        self.assertIn("clear", text)

    def test_a_chat_node_that_clients_could_not_find(self):
        self.assertIn("chat.advertise", self.refuse("chat", SECRET, REDIS, "chat.listen=tcp:8090"))

    def test_a_port_that_is_taken(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            listen = f"verify.listen=tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            self.assertIn("verify.listen", self.refuse("verify", SECRET, REDIS, MAIL, listen))


class Pools(SynchronousTestCase):
    def test_their_sizes_are_those_of_the_settings(self):
        sizes = {"readers": 7, "writers": 5, "flushers": 2}
        changes = [f"database.{name}={size}" for name, size in sizes.items()]
        config = load(None, [SECRET, REDIS, *DATABASE, *changes, "redis.pool_size=6"], {})
        database = open_database(mysql_settings(config.database), MemoryReactorClock(), 1)
        self.assertEqual({f"{name}s": runner.size for name, runner in database.runners.items()}, sizes)
        reactor = MemoryReactorClock()
        RedisPool(reactor, redis_settings(config.redis), lambda: 0.0).start()
        self.assertEqual(len(reactor.tcpClients), 6)


class Machine(SynchronousTestCase):
    def test_a_socket_that_answers_is_left_alone_and_one_that_does_not_is_removed(self):
        path = Path(self.mktemp())
        with socket.socket(socket.AF_UNIX) as used:
            used.bind(str(path))
            used.listen(1)
            self.assertIn(
                "another server", str(self.assertRaises(StartupError, check_shared_socket_path, path, "admin.socket"))
            )
            self.assertTrue(path.exists())
        check_shared_socket_path(path, "admin.socket")
        self.assertFalse(path.exists())

    def test_the_name_of_a_node(self):
        self.assertEqual(node_name("a"), "a")
        self.assertRegex(node_name(""), r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
