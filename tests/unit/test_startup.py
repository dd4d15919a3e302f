"""What a server checks before it starts, and the line that an operator reads when it cannot."""

import os
import socket
import stat
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from imchat import startup
from imchat.domain.models import NodeAddress
from imchat.startup import DirectoryLock, StartupError


class DataDirectory(SynchronousTestCase):
    def setUp(self):
        self.path = Path(self.mktemp())

    def test_it_is_made_for_its_owner_only(self):
        made = startup.make_data_dir(self.path / "deep" / "er")
        self.assertTrue(made.is_absolute())
        self.assertEqual(stat.S_IMODE(made.stat().st_mode), 0o700)

    def test_one_with_the_files_of_others_is_left_alone(self):
        self.path.mkdir(mode=0o755)
        (self.path / "theirs").touch()
        error = self.assertRaises(StartupError, startup.make_data_dir, self.path)
        self.assertIn("--data", str(error))
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o755)

    def test_one_of_ours_that_others_can_read_is_closed_to_them(self):
        self.path.mkdir(mode=0o755)
        (self.path / "lock").touch()
        startup.make_data_dir(self.path)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o700)

    def test_a_file_in_its_place(self):
        self.path.write_text("")
        error = self.assertRaises(StartupError, startup.make_data_dir, self.path)
        self.assertIn("--data", str(error))
        self.assertNotIn("\n", str(error))

    def test_one_that_cannot_be_made(self):
        self.path.write_text("")
        error = self.assertRaises(StartupError, startup.make_data_dir, self.path / "below")
        self.assertIn(str(self.path / "below"), str(error))

    def test_the_lock_is_exclusive_and_names_its_holder(self):
        directory = startup.make_data_dir(self.path)
        first, second = DirectoryLock(directory), DirectoryLock(directory)
        first.acquire()
        first.note_holder()
        error = self.assertRaises(StartupError, second.acquire)
        self.assertIn(f"process {os.getpid()}", str(error))
        first.release()
        second.acquire()
        second.release()


class Ports(SynchronousTestCase):
    def test_a_taken_port_is_told_with_the_setting(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen(1)
            endpoint = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            error = self.assertRaises(StartupError, startup.check_port, endpoint, "gate.listen")
            self.assertIn("gate.listen", str(error))
            self.assertIn("in use", str(error))
        startup.check_port(endpoint, "gate.listen")

    def test_two_settings_with_one_port(self):
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            endpoint = f"tcp:{found.getsockname()[1]}:interface=127.0.0.1"
        error = self.assertRaises(
            StartupError, startup.check_ports, (endpoint, "gate.listen"), (endpoint, "chat.listen")
        )
        self.assertIn("chat.listen", str(error))
        startup.check_ports((endpoint, "gate.listen"))

    def test_a_key_that_is_not_there(self):
        endpoint = "ssl:0:interface=127.0.0.1:privateKey=/nowhere.pem"
        error = self.assertRaises(StartupError, startup.check_port, endpoint, "gate.listen")
        self.assertIn("gate.listen", str(error))
        self.assertIn("/nowhere.pem", str(error))

    def test_an_address_that_is_not_ours(self):
        error = self.assertRaises(StartupError, startup.check_port, "tcp:0:interface=192.0.2.1", "chat.listen")
        self.assertIn("192.0.2.1", str(error))

    def test_what_systemd_opened_is_not_checked(self):
        startup.check_port("systemd:domain=INET:index=0", "gate.listen")


class SocketPaths(SynchronousTestCase):
    def test_a_socket_left_behind_is_removed_and_a_file_is_not(self):
        path = Path(self.mktemp())
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(path))
        startup.check_socket_path(path, "admin.socket")
        self.assertFalse(path.exists())
        path.write_text("precious")
        self.assertRaises(StartupError, startup.check_socket_path, path, "admin.socket")
        self.assertEqual(path.read_text(), "precious")

    def test_one_that_is_too_long(self):
        error = self.assertRaises(StartupError, startup.check_socket_path, Path("/" + "x" * 120), "admin.socket")
        self.assertIn("admin.socket", str(error))


class Advertised(SynchronousTestCase):
    def test_taken_from_the_listener(self):
        self.assertEqual(startup.advertised("tcp:8090:interface=127.0.0.1", ""), NodeAddress("127.0.0.1", 8090))

    def test_said_by_the_operator(self):
        self.assertEqual(
            startup.advertised("ssl:8090:privateKey=k.pem", "chat.example.org:443"),
            NodeAddress("chat.example.org", 443, tls=True),
        )

    def test_needed_on_a_wildcard(self):
        hosts = ("0.0.0.0", "0", r"\:\:", r"\:\:0", r"0\:0\:0\:0\:0\:0\:0\:0")
        spellings = [f"tcp:8090:interface={host}" for host in hosts]
        for endpoint in ("tcp:8090", *spellings, "tcp6:8090", "systemd:domain=INET:index=0"):
            error = self.assertRaises(StartupError, startup.advertised, endpoint, "")
            self.assertIn("chat.advertise", str(error))

    def test_a_wildcard_is_no_address_to_tell_clients(self):
        for advertise in ("0.0.0.0:8090", "0:8090", "[::]:8090"):
            error = self.assertRaises(StartupError, startup.advertised, "tcp:8090", advertise)
            self.assertIn(repr(advertise), str(error))
