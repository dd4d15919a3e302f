"""A terminal in front of the scripted server: what a person or a script types, and what they get."""

import io
import json
from collections import deque
from pathlib import Path

from klein import Klein
from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail, maybeDeferred, succeed
from twisted.internet.error import ConnectionRefusedError

from imchat.cli.arguments import parser
from imchat.cli.exits import Exit
from imchat.cli.main import execute
from imchat.cli.world import World
from imchat.domain.errors import by_code
from tests.fakes.client_world import FakeWorld


class FakeHttpGate:
    """The gate's HTTP API over the fake server: enough of it for the commands.

    Attributes:
        problem: (code, status) of the answer to every request while it is set.
        ends_on_change: A new password ends the session that it was changed with, until that logs in again.
        codes: Codes that were asked for, as (purpose, email).
    """

    app = Klein()
    code = "123456"

    def __init__(self, world: FakeWorld) -> None:
        self.world = world
        self.problem: tuple[str, int] | None = None
        self.codes: list[tuple[str, str]] = []
        self.bodies: list[dict] = []
        self.password = "correct horse"
        self.ends_on_change = False
        self.ended: set[str] = set()

    def _answer(self, request, status, **body):
        request.setResponseCode(status)
        request.setHeader("Content-Type", "application/json")
        return json.dumps(body).encode()

    def _problem(self, request, code, status, **more):
        assert code in by_code()
        return self._answer(request, status, code=code, title=code, detail=f"because of {code}", **more)

    def _body(self, request):
        self.bodies.append(json.loads(request.content.read()))
        return self.bodies[-1]

    def _nodes(self):
        return [{"host": n.host, "port": n.port, "tls": n.tls} for n in self.world.gate.nodes]

    def _session(self, request, token):
        user_id = self.world.server.tokens.get(token)
        if user_id is None:
            return self._problem(request, "unauthenticated", 401)
        return self._answer(
            request,
            200,
            user_id=user_id,
            name=self.world.server.users[user_id],
            token=token,
            nodes=self._nodes(),
            expires_ms=1,
        )

    def _token(self, request):
        return request.getHeader("Authorization").removeprefix("Bearer ")

    @app.route("/v1/verification-codes", methods=["POST"])
    def verification_codes(self, request):
        body = self._body(request)
        self.codes.append((body["purpose"], body["email"]))
        return self._answer(request, 202, expires_in_ms=300_000, retry_after_ms=60_000)

    @app.route("/v1/users", methods=["POST"])
    def users(self, request):
        if self.problem:
            return self._problem(request, *self.problem)
        body = self._body(request)
        if body["code"] != self.code:
            return self._problem(request, "code_invalid", 403)
        if len(body["password"]) < 8:
            fault = {"field": "password", "message": "has at least 8 characters"}
            return self._problem(request, "invalid_request", 422, errors=[fault])
        return self._answer(request, 201, user_id=9, name=body["name"])

    @app.route("/v1/password-resets", methods=["POST"])
    def password_resets(self, request):
        self._body(request)
        request.setResponseCode(204)
        return b""

    @app.route("/v1/password-changes", methods=["POST"])
    def password_changes(self, request):
        token, body = self._token(request), self._body(request)
        if token not in self.world.server.tokens:
            return self._problem(request, "unauthenticated", 401)
        if body["old_password"] != self.password:
            return self._problem(request, "bad_credentials", 401)
        self.password = body["new_password"]
        if self.ends_on_change:
            self.ended.add(token)
        request.setResponseCode(204)
        return b""

    @app.route("/v1/account-deletions", methods=["POST"])
    def account_deletions(self, request):
        token, body = self._token(request), self._body(request)
        if body["password"] != self.password:
            return self._problem(request, "bad_credentials", 401)
        del self.world.server.tokens[token]
        request.setResponseCode(204)
        return b""

    @app.route("/v1/logins", methods=["POST"])
    def logins(self, request):
        if self.problem:
            return self._problem(request, *self.problem, retry_after_ms=5000)
        body = self._body(request)
        if body["password"] != self.password:
            return self._problem(request, "bad_credentials", 401)
        self.ended.discard("token-" + body["login"])
        return self._session(request, "token-" + body["login"])

    @app.route("/v1/routes", methods=["POST"])
    def routes(self, request):
        if self._token(request) in self.ended:
            return self._problem(request, "unauthenticated", 401)
        return self._session(request, self._token(request))

    @app.route("/v1/sessions/current", methods=["DELETE"])
    def current(self, request):
        if self.world.server.tokens.pop(self._token(request), None) is None:
            return self._problem(request, "unauthenticated", 401)
        request.setResponseCode(204)
        return b""

    @app.route("/v1/admin/invitations", methods=["POST"])
    def invitations(self, request):
        self._body(request)
        return self._answer(request, 201, code="INVITE", expires_ms=5)

    @app.route("/v1/admin/users", methods=["POST"])
    def admin_users(self, request):
        return self._answer(request, 201, user_id=10, name=self._body(request)["name"])


class FakeLines:
    """Standard input, line by line; ``type`` adds one, None ends it, an Exit is a line that cannot be read."""

    def __init__(self, lines=()) -> None:
        self._lines, self._waiting = deque(lines), deque()

    def next(self):
        if self._lines:
            line = self._lines.popleft()
            return fail(line) if isinstance(line, Exit) else succeed(line)
        self._waiting.append(Deferred())
        return self._waiting[-1]

    def type(self, line):
        if self._waiting:
            self._waiting.popleft().callback(line)
        else:
            self._lines.append(line)


class NobodyListens:
    """An HTTP client on a machine where nothing listens."""

    def request(self, *args, **kwargs):
        return fail(ConnectionRefusedError("Connection refused"))


class FakeTerminal:
    """Runs commands. Each has standard output and error of its own.

    Attributes:
        answers: What is typed at questions, in order.
        lines: What standard input holds for ``-``.
    """

    def __init__(self, directory: Path, fake: FakeWorld) -> None:
        self.fake = fake
        self.gate = FakeHttpGate(fake)
        self.http = StubTreq(self.gate.app.resource())
        self.environ = {"IMCHAT_STATE_DIR": str(directory)}
        self.answers: deque[str] = deque()
        self.questions: list[str] = []
        self.lines = FakeLines()
        self.sockets: list[Path] = []
        self.running: list[Running] = []

    def start(self, *argv, stdin=""):
        command = Running(self, argv, stdin)
        self.running.append(command)
        return command

    def run(self, *argv, stdin="", seconds=60):
        """Run a command to its end."""
        command = self.start(*argv, stdin=stdin)
        for _ in range(int(seconds * 10)):
            if command.codes:
                break
            self.fake.run(0.1)
        return command

    def ask(self, question):
        self.questions.append(question)
        return self.answers.popleft()


class Running:
    """One command that was started."""

    def __init__(self, terminal: FakeTerminal, argv, stdin) -> None:
        self.out_file, self.err_file = io.StringIO(), io.StringIO()
        fake = terminal.fake
        self.world = World(
            reactor=fake.clock,
            environ=terminal.environ,
            stdin=io.StringIO(stdin),
            out=self.out_file,
            err=self.err_file,
            ask=terminal.ask,
            ask_secret=terminal.ask,
            http=lambda ca_file: terminal.http,
            http_over=lambda path: terminal.sockets.append(path) or terminal.http,
            connect=lambda ca_file: fake.server.connect,
            ids=fake.ids,
            run=maybeDeferred,
            lines=lambda: terminal.lines,
        )
        self.codes: list[int] = []
        self.task = Deferred.fromCoroutine(execute(parser().parse_args(argv), self.world))
        self.task.addBoth(self.codes.append)

    @property
    def code(self):
        return self.codes[0] if self.codes else None

    @property
    def out(self):
        return self.out_file.getvalue()

    @property
    def err(self):
        return self.err_file.getvalue()

    @property
    def json(self):
        return [json.loads(line) for line in self.out.splitlines()]
