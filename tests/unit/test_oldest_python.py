"""imchat runs on the oldest Python that it promises, also where it is written and tried on a newer one.

Syntax is found here and by ruff, names of the standard library by mypy; both are told the version. What neither sees:
a default of a dataclass field must have a hash, and some types got theirs later.
"""

from __future__ import annotations

import ast
import configparser
import dataclasses
import importlib
import pkgutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import MappingProxyType, ModuleType

from twisted.trial.unittest import SynchronousTestCase

import imchat

OLDEST = (3, 11)
HASHED_LATER = (MappingProxyType, slice)
"""Types that have a hash since Python 3.12 only."""

ROOT = Path(imchat.__file__).resolve().parent
NOT_ALONE = "imchat.store.sql.migrations"
"""Runs inside of Alembic only."""


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages([str(ROOT)], "imchat."):
        if not found.name.startswith(NOT_ALONE):
            yield importlib.import_module(found.name)


def refused_defaults(module: ModuleType) -> Iterator[str]:
    for name, value in vars(module).items():
        if isinstance(value, type) and dataclasses.is_dataclass(value):
            for field in dataclasses.fields(value):
                if isinstance(field.default, HASHED_LATER):
                    yield f"{module.__name__}.{name}.{field.name}"


class OldestPython(SynchronousTestCase):
    def test_it_is_the_same_wherever_it_is_named(self):
        setup = configparser.ConfigParser()
        setup.read(ROOT.parent / "setup.cfg")
        tools = tomllib.loads((ROOT.parent / "pyproject.toml").read_text())["tool"]
        version = ".".join(map(str, OLDEST))
        self.assertEqual(setup["options"]["python_requires"], f">={version}")
        self.assertEqual(tools["ruff"]["target-version"], "py" + version.replace(".", ""))
        self.assertEqual(tools["mypy"]["python_version"], version)

    def test_it_reads_every_module(self):
        for path in sorted(ROOT.rglob("*.py")):
            ast.parse(path.read_text(), str(path), feature_version=OLDEST)

    def test_it_can_import_every_module(self):
        found = list(modules())
        self.assertGreater(len(found), 200)
        self.assertEqual([field for module in found for field in refused_defaults(module)], [])

    def test_a_default_that_it_refuses_is_found(self):
        @dataclasses.dataclass
        class State:
            lines: object = None

        # As a newer Python lets one write it.
        State.__dataclass_fields__["lines"].default = MappingProxyType({})
        module = ModuleType("some")
        module.State = State
        self.assertEqual(list(refused_defaults(module)), ["some.State.lines"])
