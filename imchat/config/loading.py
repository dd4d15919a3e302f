"""Reads the configuration from its four sources."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from imchat.config.sections import Config

ENVIRONMENT_PREFIX = "IMCHAT_"


class ConfigError(Exception):
    """The configuration cannot be used; the message names the key and says what is wrong, one line a fault."""


def _merge(base: dict[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(base.get(key), dict):
            _merge(base[key], value)
        else:
            base[key] = dict(value) if isinstance(value, Mapping) else value
    return base


def _place(tree: dict[str, Any], path: list[str], value: str) -> None:
    for key in path[:-1]:
        inner = tree.setdefault(key, {})
        if not isinstance(inner, dict):
            raise ConfigError(f"{'.'.join(path)}: {key} is a value, not a section")
        tree = inner
    tree[path[-1]] = value


def _from_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(ENVIRONMENT_PREFIX):
            path = name[len(ENVIRONMENT_PREFIX) :].lower().split("__")
            if len(path) < 2:
                continue
            _place(tree, path, value)
    return tree


def _from_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, value = assignment.partition("=")
        if not equals or "." not in name:
            raise ConfigError(f"{assignment!r}: must be SECTION.KEY=VALUE")
        _place(tree, name.strip().split("."), value.strip())
    return tree


_TEXTS = {
    "extra_forbidden": "unknown key",
    "model_type": "must be a section",
    "model_attributes_type": "must be a section",
}


def _describe(error: ValidationError, source: str) -> str:
    lines = []
    for fault in error.errors():
        name = ".".join(str(part) for part in fault["loc"])
        text = _TEXTS.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
        lines.append(f"{source}: {name}: {text}")
    return "\n".join(lines)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        tree = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from error
    # A file has types of its own: true is no number there, and "7" is none. Text from elsewhere is turned into values.
    whole = _merge(Config().model_dump(mode="json"), tree)
    try:
        Config.model_validate_json(json.dumps(whole, default=str), strict=True)
    except ValidationError as error:
        raise ConfigError(_describe(error, str(path))) from error
    return tree


def load(
    path: Path | None = None, assignments: Iterable[str] = (), environment: Mapping[str, str] | None = None
) -> Config:
    """Read the configuration.

    Args:
        path: The TOML file; None means defaults.
        assignments: ``section.key=value`` from the command line.
        environment: Defaults to the process's own.

    Raises:
        ConfigError: a file that cannot be read, or a key that is unknown, of the wrong type or out of range.
    """
    # Over the defaults, so that half of a limit can be set by itself.
    tree = Config().model_dump()
    if path is not None:
        _merge(tree, _from_file(path))
    _merge(tree, _from_environment(os.environ if environment is None else environment))
    _merge(tree, _from_assignments(assignments))
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError(_describe(error, str(path) if path else "configuration")) from error
