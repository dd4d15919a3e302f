"""The OpenAPI document: valid, and true."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
from openapi_spec_validator import validate

from imchat.gate import openapi
from imchat.gate.adapter import GateApi
from imchat.gate.operations import OPERATIONS
from tests.net.gate_case import BODIES, CODE, LOGIN, PASSWORD, RESET, USER, HttpCase


class DocumentTests(HttpCase):
    def setUp(self) -> None:
        super().setUp()
        self.document = self.ask("GET", "/v1/openapi.json").json

    def test_is_valid(self) -> None:
        validate(self.document)
        self.assertEqual(self.document, openapi.document())

    def test_names_every_route_and_no_other(self) -> None:
        served = {
            (method, rule.rule)
            for rule in GateApi.app.url_map.iter_rules()
            for method in rule.methods or ()
            if method != "HEAD"
        }
        self.assertEqual(served, {(operation.method, operation.path) for operation in OPERATIONS})
        named = {(m.upper(), path) for path, item in self.document["paths"].items() for m in item}
        self.assertEqual(named, served)

    def test_operations_are_named_after_their_handlers(self) -> None:
        handlers = {rule.endpoint.rpartition(".")[2]: rule.rule for rule in GateApi.app.url_map.iter_rules()}
        self.assertEqual(handlers, {operation.name: operation.path for operation in OPERATIONS})

    def test_examples_fit_their_schemas(self) -> None:
        for name, schema in self.document["components"]["schemas"].items():
            self.assertTrue("examples" in schema or "enum" in schema, name)
            for example in schema.get("examples", ()):
                self.fits(name, example)

    def test_patterns_mean_the_same_to_other_readers(self) -> None:
        # Constructs that Rust, Python and ECMAScript read alike: no look-around, classes by letter or properties.
        for pattern in self.patterns(self.document["components"]["schemas"]):
            re.compile(pattern)
            self.assertNotRegex(pattern, r"\(\?|\\[dwsWDSpPbB]")
            self.assertTrue(pattern.startswith("^") and pattern.endswith("$"))

    def test_answers_fit_and_statuses_are_listed(self) -> None:
        self.register()
        token = {"Authorization": f"Bearer {self.token()}"}
        seen = set()
        for method, path, body, headers in (
            ("POST", "/v1/verification-codes", CODE, {}),
            ("POST", "/v1/verification-codes", {}, {}),
            ("POST", "/v1/verification-codes", b"{", {}),
            ("POST", "/v1/verification-codes", {**CODE, "email": "a@b.localhost"}, {}),
            ("POST", "/v1/users", {**USER, "email": "b@example.org"}, {}),
            ("POST", "/v1/users", {**USER, "name": "Bob"}, {}),
            ("POST", "/v1/users", USER, {"Content-Type": "text/plain"}),
            ("POST", "/v1/users", {**USER, "name": "Bob", "password": "x" * 70_000}, {}),
            ("POST", "/v1/password-resets", RESET, {}),
            ("POST", "/v1/logins", {**LOGIN, "password": "wrong"}, {}),
            ("POST", "/v1/password-changes", {"old_password": "wrong", "new_password": PASSWORD}, token),
            ("POST", "/v1/password-changes", {"old_password": PASSWORD, "new_password": PASSWORD}, token),
            ("POST", "/v1/account-deletions", {"password": "wrong"}, token),
            ("POST", "/v1/routes", None, token),
            ("POST", "/v1/routes", None, {}),
            ("DELETE", "/v1/sessions/current", None, token),
            ("DELETE", "/v1/sessions/current", None, token),
            ("POST", "/v1/logins", LOGIN, {}),
            ("GET", "/healthz", None, {}),
            ("GET", "/readyz", None, {}),
        ):
            answer = self.ask(method, path, body, headers)
            response = self.document["paths"][path][method.lower()]["responses"][str(answer.status)]
            seen.add(answer.status)
            if answer.body:
                media = response["content"][answer.headers["content-type"][0]]
                self.fits(media["schema"]["$ref"].rpartition("/")[2], answer.json)
            else:
                self.assertNotIn("content", response)
        self.assertEqual(seen, {200, 202, 204, 400, 401, 403, 409, 413, 415, 422})

    def test_schemas_say_what_is_validated(self) -> None:
        for path, body in BODIES.items():
            reference = self.document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
            name = reference["$ref"].rpartition("/")[2]
            for field in body:
                for value in (
                    None,
                    1,
                    "",
                    "x",
                    "é" * 5,
                    "a" * 40,
                    "a b",
                    "a\nb",
                    "a@b.org",
                    "246810",
                    "\x00" * 9,
                    "－" * 9,
                ):
                    changed = {**body, field: value}
                    status = self.post(path, changed).status
                    self.assertEqual(self.is_fit(name, changed), status not in (400, 422), (path, field, value))

    def test_the_document_for_people_has_all_of_it(self) -> None:
        text = (Path(__file__).resolve().parents[2] / "docs" / "http-api.md").read_text("utf-8")
        for operation in OPERATIONS:
            self.assertIn(f"`{operation.method} {operation.path}`", text)
        described = {code for operation in OPERATIONS for code in re.findall(r"`(\w+)`", str(operation.refusals))}
        for code in described - {"checks"} | {"unauthenticated", "invalid_request", "too_large", "rate_limited"}:
            self.assertIn(f"`{code}`", text)

    def patterns(self, node: object):
        if isinstance(node, dict):
            for key, value in node.items():
                if key == "pattern" and isinstance(value, str):
                    yield value
                else:
                    yield from self.patterns(value)
        elif isinstance(node, list):
            for value in node:
                yield from self.patterns(value)

    def validator(self, name: str) -> jsonschema.Draft202012Validator:
        return jsonschema.Draft202012Validator({**self.document, "$ref": f"#/components/schemas/{name}"})

    def fits(self, name: str, value: object) -> None:
        self.validator(name).validate(value)

    def is_fit(self, name: str, value: object) -> bool:
        return bool(self.validator(name).is_valid(value))
