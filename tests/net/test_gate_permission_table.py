"""Who may ask the gate for what: a table with a row for every operation."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from imchat.gate.operations import OPERATIONS
from tests.net.gate_case import BODIES, LOGIN, PASSWORD, Answer, HttpCase

ROWS: dict[tuple[str, str], tuple[Any, int | None]] = {
    # What is asked, and with which status; None: only with a session, the token of which says whose account it is.
    ("POST", "/v1/verification-codes"): (BODIES["/v1/verification-codes"], 202),
    ("POST", "/v1/users"): (BODIES["/v1/users"], 409),
    ("POST", "/v1/password-resets"): (BODIES["/v1/password-resets"], 403),
    ("POST", "/v1/logins"): (LOGIN, 200),
    ("POST", "/v1/password-changes"): ({"old_password": PASSWORD, "new_password": "kelp-forest-43"}, None),
    ("POST", "/v1/account-deletions"): ({"password": PASSWORD}, None),
    ("POST", "/v1/routes"): (None, None),
    ("DELETE", "/v1/sessions/current"): (None, None),
    ("GET", "/v1/openapi.json"): (None, 200),
    ("GET", "/healthz"): (None, 200),
    ("GET", "/readyz"): (None, 200),
}


HIS = "seagrass-bed-17"


class TableTests(HttpCase):
    def setUp(self) -> None:
        super().setUp()
        self.register()
        create = self.world.operators.create_user("Bob", "bob@example.org", HIS)
        self.successResultOf(Deferred.fromCoroutine(create))

    def bearer(self, **login: str) -> str:
        return f"Bearer {self.post('/v1/logins', {**LOGIN, **login}).json['token']}"

    def send(self, row: tuple[str, str], bearer: str | None = None) -> Answer:
        return self.ask(*row, ROWS[row][0], {} if bearer is None else {"Authorization": bearer})

    def secured(self) -> list[tuple[str, str]]:
        return [row for row, (_, status) in ROWS.items() if status is None]

    def test_every_operation_has_a_row(self) -> None:
        self.assertEqual({(one.method, one.path): not one.secured for one in OPERATIONS},
                         {row: status is not None for row, (_, status) in ROWS.items()})  # fmt: skip

    def test_what_anybody_may_ask(self) -> None:
        for row, (_, status) in ROWS.items():
            if status is not None:
                self.assertEqual(status, self.send(row).status, row)

    def test_what_needs_a_session_needs_one_that_goes_on(self) -> None:
        for row in self.secured():
            self.setUp()
            over, good = self.bearer(), self.bearer(device_id="another")
            self.assertEqual(204, self.ask("DELETE", "/v1/sessions/current", None, {"Authorization": over}).status)
            for bearer in (None, "", "Bearer", "Bearer ", over, good[:-1], good + "A", good.replace("Bearer", "Basic")):
                self.problem(self.send(row, bearer), 401, "unauthenticated")
            self.assertIn(self.send(row, good).status, (200, 204), row)

    def test_a_token_is_good_for_its_own_account_alone(self) -> None:
        hers, his = self.bearer(), self.bearer(login="Bob", password=HIS)
        for path in ("/v1/password-changes", "/v1/account-deletions"):
            # What is right for Alice is wrong with Bob's token.
            self.problem(self.send(("POST", path), his), 403, "bad_credentials")
        self.assertEqual("Bob", self.send(("POST", "/v1/routes"), his).json["name"])
        self.assertEqual(204, self.send(("DELETE", "/v1/sessions/current"), his).status)
        self.assertEqual("Alice", self.send(("POST", "/v1/routes"), hers).json["name"])
        self.bearer()
