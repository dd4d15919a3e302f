"""Ports for private servers."""

import socket
from pathlib import Path

from twisted.trial.unittest import TestCase

from imchat.testing import free_port


class FreePortTests(TestCase):
    def test_no_outgoing_connection_can_take_it_while_its_server_restarts(self):
        first, last = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
        ports = [free_port() for _ in range(200)]
        if first > 20_000:  # else there is no room beside the range
            self.assertEqual([port for port in ports if first <= port <= last], [])
        self.assertGreater(len(set(ports)), 150)

    def test_one_can_listen_there(self):
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", free_port()))
            listener.listen(1)
