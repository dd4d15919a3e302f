"""The HTTP API: what each endpoint answers, and what errors look like."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from imchat.domain.errors import Internal, RateLimited, Unavailable, by_code
from imchat.gate.problems import STATUS_BY_CODE
from imchat.ports import Limit, MailKind
from tests.fakes.gate import NODE, FakeHealth
from tests.net.gate_case import CODE, LOGIN, PASSWORD, RESET, USER, HttpCase

NODES = [{"host": NODE.host, "port": NODE.port, "tls": NODE.tls}]


class ChainTests(HttpCase):
    def test_from_code_to_logout(self) -> None:
        sent = self.post("/v1/verification-codes", CODE, Accept_Language="zh-CN,en;q=0.5")
        self.assertEqual((sent.status, sent.json), (202, {"expires_in_ms": 300_000, "retry_after_ms": 60_000}))
        self.assertEqual(self.world.verify.mails[0][3], "zh-CN,en;q=0.5")
        made = self.post("/v1/users", USER)
        self.assertEqual((made.status, made.json["name"]), (201, "Alice"))
        login = self.post("/v1/logins", {**LOGIN, "login": "ALICE@example.org"})
        self.assertEqual((login.status, login.json["user_id"], login.json["nodes"]), (200, made.json["user_id"], NODES))
        self.assertGreater(login.json["expires_ms"], self.world.now_ms())
        bearer = {"Authorization": f"Bearer {login.json['token']}"}
        route = self.ask("POST", "/v1/routes", headers=bearer)
        self.assertEqual((route.status, route.json), (200, {k: v for k, v in login.json.items() if k != "token"}))
        gone = self.ask("DELETE", "/v1/sessions/current", headers=bearer)
        self.assertEqual((gone.status, gone.body), (204, b""))
        self.assertNotIn("content-type", gone.headers)
        self.problem(self.ask("POST", "/v1/routes", headers=bearer), 401, "unauthenticated")
        for answer in (sent, made, login, route, gone):
            self.guarded(answer)

    def test_password_reset(self) -> None:
        self.register()
        token = self.token()
        self.post("/v1/verification-codes", {**CODE, "purpose": "password_reset"})
        self.assertEqual(self.post("/v1/password-resets", RESET).status, 204)
        bearer = {"Authorization": f"Bearer {token}"}
        self.problem(self.ask("POST", "/v1/routes", headers=bearer), 401, "unauthenticated")
        self.problem(self.post("/v1/logins", LOGIN), 401, "bad_credentials")
        self.assertEqual(self.post("/v1/logins", {**LOGIN, "password": RESET["password"]}).status, 200)

    def test_operator(self) -> None:
        invited = self.ask("POST", "/v1/admin/invitations", {"uses": 2, "days": 7}, treq=self.admin)
        self.assertEqual(invited.status, 201)
        self.assertEqual(invited.json["expires_ms"], self.world.now_ms() + 7 * 86_400_000)
        user = {"name": "Alice", "email": "alice@example.org", "password": PASSWORD}
        self.assertEqual(self.ask("POST", "/v1/admin/users", user, treq=self.admin).status, 201)
        self.problem(self.ask("POST", "/v1/admin/users", user, treq=self.admin), 409, "name_taken")
        self.problem(self.ask("POST", "/v1/admin/invitations", {"uses": 0}, treq=self.admin), 422, "invalid_request")
        for wrong in ({"uses": "5", "days": 7}, {"uses": 5.5, "days": 7}, {"uses": True, "days": 7}):
            refused = self.ask("POST", "/v1/admin/invitations", wrong, treq=self.admin)
            self.problem(refused, 422, "invalid_request")
        self.problem(self.ask("GET", "/v1/admin/users", treq=self.admin), 405, "unsupported")

    def test_operators_endpoints_are_not_on_the_public_side(self) -> None:
        self.problem(self.post("/v1/admin/users", {}), 404, "not_found")
        self.problem(self.post("/v1/admin/invitations", {"uses": 1, "days": 1}), 404, "not_found")


class SecrecyTests(HttpCase):
    def everything(self, answer):
        return answer.status, answer.headers, answer.body

    def test_codes_are_answered_alike_for_known_and_unknown_addresses(self) -> None:
        self.register()
        for purpose in ("registration", "password_reset"):
            known = self.post("/v1/verification-codes", {"purpose": purpose, "email": "alice@example.org"})
            unknown = self.post("/v1/verification-codes", {"purpose": purpose, "email": "never@example.org"})
            self.assertEqual(self.everything(known), self.everything(unknown))
            self.assertEqual(known.status, 202)
        kinds = [mail[2] for mail in self.world.verify.mails]
        self.assertEqual(kinds, [MailKind.ALREADY_REGISTERED, MailKind.CODE, MailKind.CODE, MailKind.NO_ACCOUNT])

    def test_resets_and_registrations_without_a_right_code_are_answered_alike(self) -> None:
        self.register()
        for path, body in (("/v1/password-resets", RESET), ("/v1/users", {**USER, "name": "Other"})):
            known = self.post(path, {**body, "code": "000000"})
            unknown = self.post(path, {**body, "code": "000000", "email": "never@example.org"})
            self.assertEqual(self.everything(known), self.everything(unknown))
            self.problem(known, 403, "code_invalid")

    def test_logins_are_answered_alike_and_cost_alike(self) -> None:
        self.register()
        answers, costs = [], []
        for login in ("Alice", "alice@example.org", "Never", "never@example.org"):
            before = self.world.hasher.work
            answers.append(self.everything(self.post("/v1/logins", {**LOGIN, "login": login, "password": "wrong"})))
            costs.append(self.world.hasher.work - before)
        self.assertEqual(answers, [answers[0]] * 4)
        self.assertEqual(answers[0][0], 401)
        self.assertEqual(costs, [1] * 4)


class LimitTests(HttpCase):
    def test_a_limit_says_when_to_come_back_in_header_and_body(self) -> None:
        self.register()
        for _ in range(10):
            self.problem(self.post("/v1/logins", {**LOGIN, "password": "wrong"}), 401, "bad_credentials")
        refused = self.post("/v1/logins", LOGIN)
        problem = self.problem(refused, 429, "rate_limited")
        self.assertEqual((refused.headers["retry-after"], problem["retry_after_ms"]), (["30"], 30_000))
        self.world.clock.advance(30)
        self.assertEqual(self.post("/v1/logins", LOGIN).status, 200)

    def test_seconds_are_rounded_up(self) -> None:
        self.world.verify.error = RateLimited("one mail a minute", 58_001)
        answer = self.post("/v1/verification-codes", CODE)
        self.assertEqual((answer.status, answer.headers["retry-after"]), (429, ["59"]))

    def test_all_requests_of_a_peer(self) -> None:
        self.serve(requests_per_peer=Limit(3, 60_000))
        for _ in range(3):
            self.problem(self.ask("POST", "/v1/routes"), 401, "unauthenticated")
        self.problem(self.ask("POST", "/v1/routes"), 429, "rate_limited")
        self.problem(self.post("/v1/logins", LOGIN), 429, "rate_limited")
        self.assertEqual(self.ask("GET", "/healthz").status, 200)
        self.assertEqual(self.ask("GET", "/readyz").status, 200)

    def test_a_code_is_not_found_by_trying(self) -> None:
        self.post("/v1/verification-codes", CODE)
        statuses = [self.post("/v1/users", {**USER, "code": f"{n:06}"}).status for n in range(200)]
        self.assertEqual(statuses[0], 403)
        self.assertEqual(set(statuses), {403, 429})
        self.assertEqual(self.world.verify.checked, 20)

    def test_busy_hashing(self) -> None:
        self.world.hasher.full = True
        refused = self.post("/v1/logins", LOGIN)
        self.assertEqual(self.problem(refused, 503, "unavailable")["retry_after_ms"], 1_000)
        self.assertEqual(refused.headers["retry-after"], ["1"])

    def test_unavailable_without_a_time_has_one(self) -> None:
        self.world.verify.error = Unavailable("the mail server secret.example.org does not answer")
        refused = self.post("/v1/verification-codes", CODE)
        self.assertEqual(refused.headers["retry-after"], ["1"])
        self.assertNotIn(b"secret", refused.body)


class ErrorTests(HttpCase):
    def test_every_code_has_a_status(self) -> None:
        self.assertEqual(set(STATUS_BY_CODE), set(by_code()))

    def test_token_missing_or_wrong(self) -> None:
        for value in ("", "Bearer", "Bearer x", "Basic QWxhZGRpbjpvcGVu", f"Bearer {'A' * 43}", f"Bearer {'é' * 43}"):
            for method, path in (("POST", "/v1/routes"), ("DELETE", "/v1/sessions/current")):
                refused = self.ask(method, path, headers={"Authorization": value})
                self.problem(refused, 401, "unauthenticated")
                self.assertEqual(refused.headers["www-authenticate"], ["Bearer"])

    def test_what_is_no_token_is_not_looked_up(self) -> None:
        self.world.status.down = True
        for token, status in (("A" * 43, 503), ("A" * 42, 401), ("A" * 42 + "B", 401), ("A" * 42 + "+", 401)):
            self.assertEqual(
                self.ask("POST", "/v1/routes", headers={"Authorization": f"Bearer {token}"}).status, status
            )

    def test_unknown_paths(self) -> None:
        for path in (
            "/",
            "/v1",
            "/v1/",
            "/v1/users/",
            "/V1/users",
            "/v1//users",
            "/v2/users",
            "/%ff",
            "/%00",
            "/a/%2e",
        ):
            self.problem(self.ask("GET", path), 404, "not_found")

    def test_no_redirects(self) -> None:
        self.problem(self.post("/v1//users", USER), 404, "not_found")

    def test_wrong_methods_name_the_right_ones(self) -> None:
        for method, path, allowed in (
            ("GET", "/v1/users", "POST"),
            ("HEAD", "/v1/users", "POST"),
            ("PUT", "/v1/logins", "POST"),
            ("POST", "/v1/sessions/current", "DELETE"),
            ("DELETE", "/healthz", "GET, HEAD"),
            ("OPTIONS", "/healthz", "GET, HEAD"),
            ("BREW", "/v1/openapi.json", "GET, HEAD"),
        ):
            refused = self.ask(method, path)
            self.assertEqual((refused.status, refused.headers["allow"]), (405, [allowed]))
            if method != "HEAD":
                self.problem(refused, 405, "unsupported")

    def test_head_is_get_without_the_body(self) -> None:
        for path in ("/healthz", "/readyz", "/v1/openapi.json"):
            got, head = self.ask("GET", path), self.ask("HEAD", path)
            self.assertEqual((head.status, head.body), (200, b""))
            self.assertEqual(head.headers["content-type"], got.headers["content-type"])
            self.assertGreater(len(got.body), 0)

    def test_a_fault_is_told_by_an_id_that_the_log_has(self) -> None:
        for error in (ZeroDivisionError("secret detail"), Internal("secret detail")):
            self.world.verify.error = error
            answer = self.post("/v1/verification-codes", CODE)
            self.problem(answer, 500, "internal")
            self.assertNotIn(b"secret", answer.body)
            self.assertNotIn(b"Traceback", answer.body)
            logged = self.flushLoggedErrors(type(error))
            self.assertEqual(len(logged), 1)

    def test_the_id_is_in_the_log_line(self) -> None:
        from twisted.logger import globalLogPublisher

        events = []
        globalLogPublisher.addObserver(events.append)
        self.addCleanup(globalLogPublisher.removeObserver, events.append)
        self.world.verify.error = ZeroDivisionError()
        detail = self.post("/v1/verification-codes", CODE).json["detail"]
        fault_ids = [event["fault_id"] for event in events if "fault_id" in event]
        self.assertEqual([fault_id in detail for fault_id in fault_ids], [True])
        self.flushLoggedErrors(ZeroDivisionError)


class DisconnectTests(HttpCase):
    """A client that goes away while its request is being handled."""

    def leave(self, pending: Deferred) -> None:
        (pump,) = (pump for pump in self.treq._agent._pumps if not pump.serverIO.disconnected)
        pump.clientIO.abortConnection()
        pump.flush()
        pending.addErrback(lambda _: None)

    def test_registration_is_finished_once_the_code_is_used(self) -> None:
        self.post("/v1/verification-codes", CODE)
        self.world.database.pool.hold()
        pending = self.start("POST", "/v1/users", USER)
        self.leave(pending)
        self.world.database.pool.release()
        self.assertEqual(self.successResultOf(Deferred.fromCoroutine(self.world.user())).name, "Alice")

    def test_login_is_given_up_and_costs_no_try(self) -> None:
        self.register()
        holds = []
        for _ in range(15):
            self.world.hasher.hold = Deferred(lambda _: None)
            holds.append(self.world.hasher.hold)
            self.leave(self.start("POST", "/v1/logins", LOGIN))
        for hold in holds:
            if not hold.called:
                hold.callback(None)
        self.assertEqual(self.world.hasher.verified, 0)
        self.world.hasher.hold = None
        self.assertEqual(self.post("/v1/logins", LOGIN).status, 200)


class HealthTests(HttpCase):
    def test_alive(self) -> None:
        self.assertEqual(self.ask("GET", "/healthz").json, {"status": "ok"})

    def test_ready_while_all_answer(self) -> None:
        checks = [{"name": "database", "ok": True}, {"name": "status", "ok": True}]
        self.assertEqual(self.ask("GET", "/readyz").json, {"status": "ready", "checks": checks})

    def test_not_ready_when_one_fails_or_is_silent(self) -> None:
        for fault in (
            FakeHealth(error=Unavailable("disk full at /srv/secret")),
            FakeHealth(error=ZeroDivisionError()),
            FakeHealth(answer=Deferred()),
        ):
            self.health["database"] = fault
            self.serve()
            pending = self.start("GET", "/readyz")
            self.world.clock.advance(3)
            self.treq.flush()
            answer = self.successResultOf(pending)
            problem = self.problem(answer, 503, "unavailable")
            self.assertEqual(problem["checks"], [{"name": "database", "ok": False}, {"name": "status", "ok": True}])
            self.assertNotIn(b"secret", answer.body)
            self.assertEqual(answer.headers["retry-after"], ["1"])

    def test_dependencies_are_asked_once_a_second_however_many_ask(self) -> None:
        health = self.health["database"]
        health.answer = Deferred()
        waiting = [self.start("GET", "/readyz") for _ in range(10)]
        health.answer.callback(None)
        self.treq.flush()
        self.assertEqual([self.successResultOf(pending).status for pending in waiting], [200] * 10)
        self.ask("GET", "/readyz")
        self.assertEqual(health.pings, 1)
        self.world.clock.advance(1)
        health.error = Unavailable("gone")
        self.assertEqual(self.ask("GET", "/readyz").status, 503)
        self.world.clock.advance(1)
        health.error = None
        self.assertEqual(self.ask("GET", "/readyz").status, 200)
        self.assertEqual(health.pings, 3)
