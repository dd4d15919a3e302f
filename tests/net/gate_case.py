"""What the tests of the gate's HTTP side share."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from imchat.gate.adapter import GateApi
from imchat.gate.admin import AdminApi
from imchat.gate.settings import HttpSettings
from tests.fakes.gate import FakeHealth, FakeVerify, GateWorld

PASSWORD = "kelp-forest-42"
URL = "http://gate.example.org"

CODE = {"purpose": "registration", "email": "alice@example.org"}
USER = {"name": "Alice", "email": "alice@example.org", "password": PASSWORD, "code": FakeVerify.CODE}
RESET = {"email": "alice@example.org", "code": FakeVerify.CODE, "password": "kelp-forest-43"}
LOGIN = {
    "login": "Alice",
    "password": PASSWORD,
    "device_id": "device-1",
    "device_name": "Alice's laptop",
    "platform": "linux",
}
BODIES = {"/v1/verification-codes": CODE, "/v1/users": USER, "/v1/password-resets": RESET, "/v1/logins": LOGIN}


@dataclass
class Answer:
    """An HTTP answer: status, headers (lower case) without the date, body."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HttpCase(SynchronousTestCase):
    """Asks the API in memory; each test that leaves an error in the log fails."""

    def setUp(self) -> None:
        self.world = GateWorld()
        self.health = {"database": FakeHealth(), "status": FakeHealth()}
        self.serve()

    def serve(self, **settings: Any) -> None:
        world = self.world
        bounds = replace(HttpSettings(), **settings)
        self.api = GateApi(world.gate, self.health, world.ids, world.limiter, bounds, world.clock)
        self.treq = StubTreq(self.api.resource())
        self.admin = StubTreq(AdminApi(world.operators, world.ids, world.limiter, bounds).resource())

    def start(self, method: str, path: str, body: Any = None, headers: Any = None, treq: Any = None) -> Deferred:
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        client = treq or self.treq
        return Deferred.fromCoroutine(self._ask(client, method, URL + path, body, headers))

    async def _ask(self, treq: Any, method: str, url: str, body: Any, headers: dict[str, str]) -> Answer:
        response = await treq.request(method, url, data=body, headers={k: v for k, v in headers.items() if v})
        found = {
            name.decode().lower(): [value.decode() for value in values]
            for name, values in response.headers.getAllRawHeaders()
            if name.lower() != b"date"
        }
        return Answer(response.code, found, await response.content())

    def ask(self, method: str, path: str, body: Any = None, headers: Any = None, treq: Any = None) -> Answer:
        pending = self.start(method, path, body, headers, treq)
        self.treq.flush()
        self.admin.flush()
        return self.successResultOf(pending)

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.ask("POST", path, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def register(self) -> None:
        self.successResultOf(
            Deferred.fromCoroutine(self.world.operators.create_user("Alice", "alice@example.org", PASSWORD))
        )

    def token(self) -> str:
        return self.post("/v1/logins", LOGIN).json["token"]

    def problem(self, answer: Answer, status: int, code: str) -> Any:
        """Check that an answer is a problem, and return it."""
        self.assertEqual((answer.status, answer.json["code"]), (status, code), answer.body)
        self.assertEqual(answer.headers["content-type"], ["application/problem+json"])
        self.assertEqual(answer.json["status"], status)
        self.assertTrue(answer.json["title"] and answer.json["type"] and answer.json["detail"])
        self.guarded(answer)
        return answer.json

    def guarded(self, answer: Answer) -> None:
        self.assertEqual(answer.headers["cache-control"], ["no-store"])
        self.assertEqual(answer.headers["x-content-type-options"], ["nosniff"])
        self.assertNotIn("server", answer.headers)
