"""Another password and the end of an account, over HTTP."""

from __future__ import annotations

from typing import Any

from tests.net.gate_case import LOGIN, PASSWORD, USER, Answer, HttpCase

FRESH = "kelp-forest-43"
CHANGE = {"old_password": PASSWORD, "new_password": FRESH}
PATHS = {"/v1/password-changes": CHANGE, "/v1/account-deletions": {"password": PASSWORD}}


class OwnAccountTests(HttpCase):
    def setUp(self) -> None:
        super().setUp()
        self.register()
        self.bearer = f"Bearer {self.token()}"

    def send(self, path: str, body: Any) -> Answer:
        return self.post(path, body, Authorization=self.bearer)

    def test_another_password(self) -> None:
        answer = self.send("/v1/password-changes", CHANGE)
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.guarded(answer)
        self.problem(self.post("/v1/logins", LOGIN), 401, "bad_credentials")
        self.assertEqual(self.post("/v1/logins", {**LOGIN, "password": FRESH}).status, 200)

    def test_the_end_of_the_account(self) -> None:
        answer = self.send("/v1/account-deletions", {"password": PASSWORD})
        self.assertEqual((answer.status, answer.body), (204, b""))
        self.problem(self.send("/v1/account-deletions", {"password": PASSWORD}), 401, "unauthenticated")
        self.problem(self.post("/v1/logins", LOGIN), 401, "bad_credentials")

    def test_the_freed_name_and_address_can_be_registered(self) -> None:
        self.send("/v1/account-deletions", {"password": PASSWORD})
        self.post("/v1/verification-codes", {"purpose": "registration", "email": "alice@example.org"})
        self.assertEqual(self.post("/v1/users", USER).status, 201)
        self.assertEqual(self.post("/v1/logins", LOGIN).status, 200)

    def test_a_wrong_password_beside_a_good_token_does_not_say_that_the_session_is_over(self) -> None:
        for path, body in (
            ("/v1/password-changes", {**CHANGE, "old_password": "wrong"}),
            ("/v1/account-deletions", {"password": "wrong"}),
        ):
            refused = self.send(path, body)
            self.problem(refused, 403, "bad_credentials")
            self.assertNotIn("www-authenticate", refused.headers)
        self.assertEqual(self.ask("POST", "/v1/routes", headers={"Authorization": self.bearer}).status, 200)
        self.assertEqual(self.post("/v1/logins", LOGIN).status, 200)

    def test_weak_ones_name_their_field(self) -> None:
        self.problem(self.send("/v1/password-changes", {**CHANGE, "new_password": "password123"}), 403, "weak_password")
        refused = self.send("/v1/password-changes", {**CHANGE, "new_password": "e\u0301" * 4})
        self.assertEqual(self.problem(refused, 403, "value_refused")["errors"][0]["field"], "new_password")

    def test_without_a_token_the_body_is_not_looked_at(self) -> None:
        for path in PATHS:
            for body in (PATHS[path], {}, b"{"):
                self.problem(self.post(path, body), 401, "unauthenticated")

    def test_bodies_that_are_wrong(self) -> None:
        for path, body in PATHS.items():
            self.problem(self.send(path, b"{"), 400, "invalid_request")
            for field in body:
                for value in (None, 1, "", "a" * 257, ["x"]):
                    self.problem(self.send(path, {**body, field: value}), 422, "invalid_request")
            self.problem(self.send(path, {**body, "user_id": 1}), 422, "invalid_request")
        self.assertEqual(self.post("/v1/logins", LOGIN).status, 200)

    def test_an_outage_says_when_to_come_back_and_a_secret_is_never_told(self) -> None:
        self.world.status.down = True
        for path, body in PATHS.items():
            answer = self.send(path, body)
            self.problem(answer, 503, "unavailable")
            self.assertNotIn(PASSWORD.encode(), answer.body)
