"""Profiles: who this terminal user is, under the user's state directory.

A profile has two sessions, each a device of its own for the server: ``listen`` receives, with positions in
``listen.db``; ``send`` is for the commands that come and go, with its outbox in ``send.db``. So ``imchat listen`` in
one terminal and ``imchat send`` in another work side by side: as one device they would replace each other. Both files
are locked while in use: a second ``send`` waits for the first, a second ``listen`` is refused.
"""

from __future__ import annotations

import json
import os
import re
import secrets
from enum import StrEnum
from pathlib import Path

import platformdirs

from imchat.cli.exits import Code, Exit
from imchat.cli.world import World
from imchat.client import NotLoggedIn, SavedSession, SqliteState
from imchat.client.state import dump_session, load_session

DEFAULT_SERVER = "http://127.0.0.1:8080"

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


class Role(StrEnum):
    """The two devices of a profile."""

    LISTEN = "listen"
    SEND = "send"


class Profile:
    """One profile.

    Args:
        server: URL that was asked for on the command line or in the environment; None where none was.

    Raises:
        Exit: the name cannot be one, or the directory cannot be made.
    """

    def __init__(self, world: World, name: str, server: str | None) -> None:
        if not _NAME.fullmatch(name):
            raise Exit(Code.USAGE, f"{name!r} cannot name a profile: letters, digits, '.', '_' and '-' only")
        base = world.environ.get("IMCHAT_STATE_DIR") or platformdirs.user_state_path("imchat")
        self.name = name
        self.directory = Path(base) / name
        self._run = world.run
        self._asked = server.rstrip("/") if server else None
        self._file = self.directory / "profile.json"
        self.device_id, self._sessions = self._read()

    @property
    def server(self) -> str:
        """The server to use: as asked for, else where the profile is logged in, else the default."""
        known = next((session.server for session in self._sessions.values()), DEFAULT_SERVER)
        return self._asked or known

    def session(self, role: Role) -> SavedSession:
        """The session of a role.

        Raises:
            NotLoggedIn: there is none on this server.
        """
        session = self._sessions.get(role)
        if session is None:
            raise NotLoggedIn(f"profile {self.name!r} is not logged in: use imchat login")
        if session.server != self.server:
            raise NotLoggedIn(f"profile {self.name!r} is logged in at {session.server}, not at {self.server}")
        return session

    def state(self, role: Role) -> SqliteState:
        """The state file of a role."""
        return SqliteState(self.directory / f"{role}.db", self._run)

    def save(self, sessions: dict[Role, SavedSession]) -> None:
        """Replace the sessions; the device keeps its id.

        Raises:
            Exit: they cannot be saved.
        """
        self._sessions = sessions
        value: dict[str, object] = {"device_id": self.device_id}
        value |= {role.value: json.loads(dump_session(session)) for role, session in sessions.items()}
        temporary = self._file.with_suffix(".new")
        try:
            self.directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.directory.mkdir(mode=0o700, exist_ok=True)
            with os.fdopen(os.open(temporary, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as file:
                json.dump(value, file)
            temporary.replace(self._file)
        except OSError as error:
            raise Exit(Code.REFUSED, f"{self._file}: cannot be written: {error.strerror}") from error

    def _read(self) -> tuple[str, dict[Role, SavedSession]]:
        try:
            value = json.loads(self._file.read_text("utf-8"))
            sessions = {role: load_session(json.dumps(value[role])) for role in Role if role in value}
            return str(value["device_id"]), sessions
        except FileNotFoundError:
            return secrets.token_hex(16), {}
        except OSError as error:
            raise Exit(Code.REFUSED, f"{self._file}: cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise Exit(Code.REFUSED, f"{self._file}: is damaged; remove it and log in again") from error
