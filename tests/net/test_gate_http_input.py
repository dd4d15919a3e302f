"""What the HTTP API makes of input that is not what it asks for."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.net.gate_case import BODIES, CODE, LOGIN, USER, HttpCase

SQL = "'; DROP TABLE account; --"
MARKUP = "<script>alert(1)</script>"


def nested(depth: int, opening: bytes, closing: bytes) -> bytes:
    return opening * depth + closing * depth


class BodyTests(HttpCase):
    def test_no_json(self) -> None:
        for body in (
            b"{",
            b"",
            b"\xff\xfe",
            b'{"email": "\xff@example.org"}',
            b"\xef\xbb\xbf{}",
            b'{"email": "\\ud800"}',
            b"{'email': 1}",
            b"purpose=registration",
            b"{} {}",
            b"\x00",
            json.dumps(CODE).encode("utf-16"),
            nested(20_000, b"[", b"]"),
            nested(5_000, b'{"purpose":', b"}"),
            b'{"purpose": ' + b"9" * 50_000 + b"}",
        ):
            for path in BODIES:
                self.problem(self.post(path, body, Content_Type="application/json"), 400, "invalid_request")

    def test_json_but_no_object(self) -> None:
        for body in (b"[]", b"null", b"1", b'"text"', b"[{}]", b"1e308", nested(50, b"[", b"]")):
            problem = self.problem(self.post("/v1/logins", body), 422, "invalid_request")
            self.assertEqual([fault["field"] for fault in problem["errors"]], [""])

    def test_not_declared_as_json(self) -> None:
        for media_type in (
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/json; charset=utf-16",
            "application/jsonp",
            "é",
        ):
            refused = self.post("/v1/logins", json.dumps(LOGIN).encode(), Content_Type=media_type)
            self.problem(refused, 415, "unsupported")
        refused = self.post("/v1/logins", LOGIN, Content_Encoding="gzip")
        self.problem(refused, 415, "unsupported")

    def test_declared_as_json_in_other_words(self) -> None:
        self.register()
        for media_type in ("application/json; charset=utf-8", 'Application/JSON;charset="UTF-8"'):
            self.assertEqual(self.post("/v1/logins", LOGIN, Content_Type=media_type).status, 200)

    def test_too_large(self) -> None:
        self.serve(max_body=1_024)
        padded = json.dumps(LOGIN).encode()
        self.register()
        self.assertEqual(self.post("/v1/logins", padded + b" " * (1_024 - len(padded))).status, 200)
        self.problem(self.post("/v1/logins", padded + b" " * (1_025 - len(padded))), 413, "too_large")


class FieldTests(HttpCase):
    def fields(self, path: str, body: object) -> list[str]:
        problem = self.problem(self.post(path, body), 422, "invalid_request")
        self.assertTrue(all(fault["message"] for fault in problem["errors"]))
        return [fault["field"] for fault in problem["errors"]]

    def test_missing_and_unknown_fields(self) -> None:
        self.assertEqual(self.fields("/v1/users", {}), ["name", "email", "password", "code"])
        self.assertEqual(self.fields("/v1/users", {**USER, "admin": True}), ["admin"])
        many = {f"field{n}": n for n in range(1_000)}
        self.assertEqual(len(self.fields("/v1/users", {**USER, **many})), 20)
        self.assertEqual(self.fields("/v1/users", {**USER, "x" * 10_000: 1}), ["x" * 64])

    def test_wrong_types(self) -> None:
        for path, body in BODIES.items():
            for field in body:
                for value in (None, 1, 1.5, True, [], {}, [body[field]], {"$ne": ""}):
                    self.assertEqual(self.fields(path, {**body, field: value}), [field])

    def test_wrong_values(self) -> None:
        for path, field, value in (
            ("/v1/verification-codes", "purpose", "login"),
            ("/v1/verification-codes", "email", "alice"),
            ("/v1/verification-codes", "email", "alice@localhost"),
            ("/v1/verification-codes", "email", "alice@example.org\r\nBcc: eve@example.org"),
            ("/v1/verification-codes", "email", "a@" + "b." * 126 + "org"),
            ("/v1/users", "name", SQL),
            ("/v1/users", "name", MARKUP),
            ("/v1/users", "name", "al\x00ice"),
            ("/v1/users", "name", "alice\n"),
            ("/v1/users", "name", "a" * 33),
            ("/v1/users", "name", "a" * 60_000),
            ("/v1/users", "password", "short"),
            ("/v1/users", "password", "p" * 257),
            ("/v1/users", "code", "12345"),
            ("/v1/users", "code", "１２３４５６"),
            ("/v1/users", "code", "12345\n"),
            ("/v1/users", "invitation", SQL),
            ("/v1/logins", "login", ""),
            ("/v1/logins", "login", "a" * 255),
            ("/v1/logins", "device_id", "../etc"),
            ("/v1/logins", "device_id", "id\n"),
            ("/v1/logins", "device_name", "x\x1b[2J"),
            ("/v1/logins", "platform", "a\u202eb"),
        ):
            self.assertEqual(self.fields(path, {**BODIES[path], field: value}), [field], (field, value))

    def test_values_that_fit_the_schema_and_break_a_rule(self) -> None:
        for path, field, value in (
            ("/v1/verification-codes", "email", "alice@mail.localhost"),
            ("/v1/verification-codes", "email", "alice@-.org"),
            ("/v1/users", "name", "12345"),
            ("/v1/users", "name", "ali\u3164ce"),
            ("/v1/users", "name", "alice😀"),
            ("/v1/users", "password", "e\u0301" * 4),
        ):
            problem = self.problem(self.post(path, {**BODIES[path], field: value}), 403, "value_refused")
            self.assertEqual([fault["field"] for fault in problem["errors"]], [field])
        self.problem(self.post("/v1/users", {**USER, "password": "password"}), 403, "weak_password")

    def test_hostile_logins_are_wrong_names_only(self) -> None:
        self.register()
        for login in (SQL, MARKUP, "alice\x00", "' OR '1'='1", "%", "*", "\u202e", "😀" * 250, "@" * 254):
            self.problem(self.post("/v1/logins", {**LOGIN, "login": login}), 401, "bad_credentials")
        for password in (SQL, "\x00", "a\x00b", "😀" * 256):
            self.problem(self.post("/v1/logins", {**LOGIN, "password": password}), 401, "bad_credentials")
        self.assertEqual(self.post("/v1/logins", LOGIN).status, 200)

    def test_secrets_are_not_echoed(self) -> None:
        secret = "hunter2\x00zyx"
        for path, field in (("/v1/users", "password"), ("/v1/users", "code"), ("/v1/logins", "password")):
            for value in (secret * 50, [secret], {secret: 1}):
                answer = self.post(path, {**BODIES[path], field: value})
                self.assertEqual(answer.status, 422)
                self.assertNotIn(b"hunter2", answer.body)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)


class PropertyTests(HttpCase):
    """Whatever comes, the answer is a problem with a documented status, and the log stays clean."""

    @settings(max_examples=60)
    @given(st.binary(max_size=200))
    def test_bytes(self, body: bytes) -> None:
        self.assertIn(self.post("/v1/users", body, Content_Type="application/json").status, (400, 422))

    @settings(max_examples=60)
    @given(st.sampled_from(sorted(BODIES)), st.data())
    def test_fields(self, path: str, data: st.DataObject) -> None:
        self.setUp()
        field = data.draw(st.sampled_from(sorted(BODIES[path])))
        answer = self.post(path, {**BODIES[path], field: data.draw(json_values)})
        self.assertIn(answer.status, (202, 401, 403, 422))

    @settings(max_examples=60)
    @given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60))
    def test_headers(self, value: str) -> None:
        self.setUp()
        for header in ("Authorization", "Content-Encoding", "Accept-Language", "Host", "Accept", "Cookie"):
            answer = self.post("/v1/verification-codes", CODE, **{header.replace("-", "_"): value.strip()})
            self.assertIn(answer.status, (202, 415))
