"""Secrets: from the configuration (the environment with it) or from files; default ones are refused."""

from __future__ import annotations

from pathlib import Path

from pydantic import SecretStr

from imchat.startup import StartupError

_DEFAULTS = frozenset(
    ("admin", "changeme", "change-me", "changeit", "default", "imchat", "mysql", "password", "redis", "root", "secret")
)


def read(path: Path, setting: str) -> bytes:
    """The content of a file.

    Raises:
        StartupError: it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise StartupError(f"{setting} = {str(path)!r}: {error.strerror}") from error


def from_file(path: Path | None, setting: str) -> str:
    """The secret in a file, without its last newline; empty where no file is named.

    Raises:
        StartupError: the file cannot be read or is empty.
    """
    if path is None:
        return ""
    secret = read(path, setting).decode("utf-8", "replace").strip("\r\n")
    if not secret:
        raise StartupError(f"{setting} = {str(path)!r}: is empty")
    return secret


def secret_of(value: SecretStr, path: Path | None, setting: str) -> str:
    """A secret that stands in the configuration, or in a file that it names; empty where there is none.

    Args:
        value: The setting itself.
        path: The file.
        setting: Name of the setting; that of the file has ``_file`` behind it.

    Raises:
        StartupError: both are given, the file cannot be used, or the secret is one that everybody would guess.
    """
    here = value.get_secret_value()
    if here and path is not None:
        raise StartupError(f"{setting} and {setting}_file are both set: remove one of them")
    secret = here or from_file(path, f"{setting}_file")
    if secret.lower() in _DEFAULTS:
        raise StartupError(f"{setting} is one that everybody would guess: change it there and here")
    return secret
