"""StatusPort and VerifyPort over links: what one side is asked arrives at the other, and what it answers comes back."""

from __future__ import annotations

import inspect

from imchat.domain.errors import CodeInvalid, Internal, InvalidRequest, RateLimited, Unauthenticated, Unavailable
from imchat.domain.models import Device, Login, NodeAddress, NodeReport, Route, Session
from imchat.net.links.messages import CHECK_CODE, OPEN_SESSION, REPORT, SEND_CODE, STATUS, VERIFY, Service
from imchat.net.links.pool import Links
from imchat.net.links.proxies import RemoteStatus, RemoteVerify
from imchat.net.links.server import LinkServer
from imchat.ports import MailKind, Purpose, StatusPort, VerifyPort
from imchat.status.adapter import StatusAdapter
from imchat.verify.adapter import VerifyAdapter
from tests.fakes.links import Server, Way
from tests.net.links_case import SECRET, Case

BIG = 2**53 - 1
DEVICE = Device("tablet.1", "Küche 📱", "Debian")
SESSION = Session(BIG, "小明", DEVICE, 7, 1_700_000_000_000, 1_700_000_000_001)
NODES = Route((NodeAddress("chat1.example", 8090, True), NodeAddress("2001:db8::1", 8090)))
REPORT_OF_NODE = NodeReport("node-1", NodeAddress("10.0.0.1", 8090, True), 12_345, True, 2**53 - 1)

# Per port and method: the arguments, and the result.
CASES: dict[type, dict[str, tuple[tuple, object]]] = {
    StatusPort: {
        "report": ((REPORT_OF_NODE,), None),
        "open_session": ((BIG, "小明", DEVICE, b"t" * 32), Login(BIG, "小明", "t" * 43, 1_700_000_000_002, NODES)),
        "authenticate": (("t" * 43,), SESSION),
        "route": (("t" * 43,), (SESSION, Route(()), 1_700_000_000_003)),
        "end_session": (("t" * 43,), None),
        "end_all_sessions": ((BIG, "password_reset"), None),
        "end_other_sessions": ((BIG, "tablet.1", "password_change"), None),
    },
    VerifyPort: {
        "send_code": ((Purpose.PASSWORD_RESET, "a@b.example", MailKind.NO_ACCOUNT, "zh-CN;q=0.9"), 300_000),
        "check_code": ((Purpose.REGISTRATION, "a@b.example", "012345"), None),
    },
}


class Recording:
    """Stands behind a port: notes each call, and gives the result of its case, or an error."""

    def __init__(self, port: type) -> None:
        self.calls: list[tuple] = []
        self.error: Exception | None = None
        self.results = {name: result for name, (_, result) in CASES[port].items()}

    def __getattr__(self, name: str):
        if name not in self.results:
            raise AttributeError(name)

        async def method(*args):
            self.calls.append((name, *args))
            if self.error is not None:
                raise self.error
            return self.results[name]

        return method


def methods(port: type) -> list[str]:
    return [name for name, member in vars(port).items() if inspect.isfunction(member) and not name.startswith("_")]


class PortCase(Case):
    def setUp(self) -> None:
        super().setUp()
        self.status, self.verify = Recording(StatusPort), Recording(VerifyPort)
        self.servers: list[Server] = []
        self.proxies = {
            StatusPort: RemoteStatus(self.links_to(STATUS, StatusAdapter(self.status))),
            VerifyPort: RemoteVerify(self.links_to(VERIFY, VerifyAdapter(self.verify))),
        }

    def links_to(self, service: Service, *adapters) -> Links:
        ways = []
        for number, adapter in enumerate(adapters):
            server = Server()
            self.servers.append(server)
            self.network.start(server, LinkServer(service, adapter.handlers, SECRET, self.ids, self.clock))
            ways.append((f"server {number}", Way(self.network, server)))
        links = Links(service, ways, SECRET, self.ids, self.clock)
        links.startService()
        self.addCleanup(links.stopService)
        self.run_network(0.2)
        return links


class PortTests(PortCase):
    def test_every_method_of_the_ports_goes_through(self) -> None:
        for port, recording in ((StatusPort, self.status), (VerifyPort, self.verify)):
            for name in methods(port):
                self.assertIn(name, CASES[port], f"{port.__name__}.{name} has no case here")
                args, result = CASES[port][name]
                got = self.successResultOf(self.go(getattr(self.proxies[port], name)(*args)))
                self.assertEqual(got, result, name)
                self.assertEqual(recording.calls.pop(), (name, *args))
                self.assertEqual([type(arg) for arg in args], [type(arg) for arg in (name, *args)[1:]])

    def test_every_method_raises_what_the_other_side_raises(self) -> None:
        for port, recording in ((StatusPort, self.status), (VerifyPort, self.verify)):
            recording.error = Unauthenticated("the token is not valid")
            for name in set(methods(port)) - {"report"}:
                call = self.go(getattr(self.proxies[port], name)(*CASES[port][name][0]))
                self.assertEqual(self.failureResultOf(call, Unauthenticated).value.message, "the token is not valid")

    def test_the_proxies_have_the_ports_signatures(self) -> None:
        for port, proxy in self.proxies.items():
            for name in methods(port):
                self.assertEqual(
                    inspect.signature(getattr(port, name)), inspect.signature(getattr(type(proxy), name)), name
                )

    def test_limits_and_codes_arrive_as_such(self) -> None:
        self.verify.error = RateLimited("slowly", 42_000)
        call = self.go(self.proxies[VerifyPort].send_code(*CASES[VerifyPort]["send_code"][0]))
        self.assertEqual(self.failureResultOf(call, RateLimited).value.retry_after_ms, 42_000)
        self.verify.error = CodeInvalid("wrong")
        self.failureResultOf(self.go(self.proxies[VerifyPort].check_code(Purpose.REGISTRATION, "a", "b")), CodeInvalid)

    def test_values_of_another_kind_are_refused_by_the_server(self) -> None:
        links = self.links_to(STATUS, StatusAdapter(self.status))
        verify = self.links_to(VERIFY, VerifyAdapter(self.verify))
        device = {"id": "x", "name": "y", "platform": "z"}
        for links_, method, fields in [
            (links, OPEN_SESSION, {"user_id": "1", "name": "n", "device": device}),
            (links, OPEN_SESSION, {"user_id": 1, "name": "n", "device": [device]}),
            (links, OPEN_SESSION, {"user_id": True, "name": "n", "device": device}),
            (verify, CHECK_CODE, {"purpose": "espionage", "address": "a", "code": "c"}),
            (verify, SEND_CODE, {"purpose": "registration", "address": "a", "kind": "x", "language": ""}),
        ]:
            self.failureResultOf(self.go(links_.call(method, fields)), InvalidRequest)
        self.assertEqual((self.status.calls, self.verify.calls), ([], []))

    def test_an_answer_that_is_none_is_an_internal_error(self) -> None:
        async def odd(fields) -> object:
            return {"user_id": "not a number"}

        class Odd:
            handlers = dict.fromkeys(STATUS.methods, odd)

        status = RemoteStatus(self.links_to(STATUS, Odd()))
        self.failureResultOf(self.go(status.authenticate("t")), Internal)
        self.assertTrue(any("cannot be read" in line for line in self.lines), self.lines)


class SeveralServersTests(PortCase):
    def test_a_report_goes_to_every_status_server(self) -> None:
        others = [Recording(StatusPort) for _ in range(3)]
        status = RemoteStatus(self.links_to(STATUS, *map(StatusAdapter, others)))
        self.successResultOf(self.go(status.report(REPORT_OF_NODE)))
        self.assertEqual([other.calls for other in others], [[("report", REPORT_OF_NODE)]] * 3)

    def test_a_report_that_none_took_is_unavailable(self) -> None:
        self.network.kill(self.servers[0])
        self.failureResultOf(self.go(self.proxies[StatusPort].report(REPORT_OF_NODE)), Unavailable)

    def test_a_lost_answer_repeats_what_may_be_repeated_only(self) -> None:
        for name in methods(StatusPort):
            if name != REPORT.name:
                self.assertEqual(self.times_asked(STATUS, StatusPort, RemoteStatus, StatusAdapter, name), 2, name)
        for name in methods(VerifyPort):
            self.assertEqual(self.times_asked(VERIFY, VerifyPort, RemoteVerify, VerifyAdapter, name), 1, name)

    def times_asked(self, service, port, proxy, adapter, name: str) -> int:
        """How many of two servers are asked when the first does its work and dies before its answer is out."""
        first, second = Recording(port), Recording(port)
        before = len(self.servers)
        links = self.links_to(service, adapter(first), adapter(second))
        (end,) = self.servers[before].open
        end.write = lambda data: end.abortConnection()
        call = self.go(getattr(proxy(links), name)(*CASES[port][name][0]))
        self.assertEqual(len(first.calls), 1)
        if second.calls:
            self.assertEqual(self.successResultOf(call), CASES[port][name][1])
        else:
            self.failureResultOf(call, Unavailable)
        return len(first.calls) + len(second.calls)
