"""What may cross a link: None, bool, int, str, bytes, and lists and dictionaries of them, up to a size.

Objects never cross. A value is copied before it is sent, so that nothing in it is shared: then no references occur
on the wire, and the receiver need not accept them (a few bytes of references can unfold to gigabytes).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeAlias, TypeVar, Union

from imchat.domain.errors import InvalidRequest, TooLarge

MAX_SIZE = 640 * 1024
"""Largest call or answer, in bytes on the wire; Banana's own limit for one string is the same."""

MAX_DEPTH = 16
"""Deepest nesting of lists and dictionaries."""

_ITEM = 20
_MAX_INT = 2**63

Plain: TypeAlias = Union[bool, int, str, bytes, list["Plain"], dict[str, "Plain"], None]  # noqa: UP007  a string cannot take |

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


class Malformed(ValueError):
    """A peer sent a value of another shape than the method has. The message names the field and shows no value."""


class PlainTypes:
    """Security options for jelly that admit plain values alone.

    Twisted's own admit every name with a dot in it and then any class that some module registered.
    """

    _WIRE = frozenset({b"None", b"boolean", b"unicode", b"list", b"tuple", b"dictionary"})
    _LOCAL = frozenset(
        f"builtins.{name}".encode() for name in ("NoneType", "bool", "int", "str", "bytes", "list", "tuple", "dict")
    )

    def isTypeAllowed(self, typeName: object) -> bool:
        """Twisted: whether a type's name may occur."""
        return isinstance(typeName, bytes) and (typeName in self._WIRE or typeName in self._LOCAL)

    def isModuleAllowed(self, moduleName: object) -> bool:
        """Twisted: modules never cross."""
        return False

    def isClassAllowed(self, klass: object) -> bool:
        """Twisted: classes and their instances never cross."""
        return False


def plain(value: object) -> Plain:
    """Return a copy of a value in which nothing is shared; tuples become lists.

    Raises:
        TooLarge: it would take more than :data:`MAX_SIZE` bytes.
        InvalidRequest: a text that is not valid Unicode, or a number of more than 64 bits.
        TypeError: something else than a plain value is in it, or it is nested too deeply.
    """
    return _Copier().copy(value, 0)


class _Copier:
    """Copies a value, counting an upper bound of its size on the wire."""

    def __init__(self) -> None:
        self._left = MAX_SIZE

    def copy(self, value: object, depth: int) -> Plain:
        self._spend(_ITEM)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return _checked_int(value)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, bytes):
            self._spend(len(value))
            return value
        if depth >= MAX_DEPTH:
            raise TypeError("a value for another server is nested too deeply")
        if isinstance(value, (list, tuple)):
            return [self.copy(item, depth + 1) for item in value]
        if isinstance(value, dict):
            return self._mapping(value, depth)
        raise TypeError(f"{type(value).__name__} cannot be sent to another server")

    def _text(self, value: str) -> str:
        try:
            self._spend(len(value.encode()))
        except UnicodeEncodeError:
            raise InvalidRequest("a text is not valid Unicode") from None
        # A plain str: enumerations are subclasses, which jelly would not take.
        return value if type(value) is str else "".join(value)

    def _mapping(self, value: dict[object, object], depth: int) -> dict[str, Plain]:
        copied: dict[str, Plain] = {}
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError("a key of a dictionary for another server must be a str")
            self._spend(_ITEM)
            copied[self._text(key)] = self.copy(item, depth + 1)
        return copied

    def _spend(self, size: int) -> None:
        self._left -= size
        if self._left < 0:
            raise TooLarge(f"a call to another server holds at most {MAX_SIZE} bytes")


def _checked_int(value: int) -> int:
    if not -_MAX_INT <= value < _MAX_INT:
        raise InvalidRequest("a number has more than 64 bits")
    return int(value)


class Fields:
    """Reads a dictionary that came from a peer; fields that nobody asks for are ignored.

    Every method raises :class:`Malformed` where the field is absent or of another type.
    """

    __slots__ = ("_values",)

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise Malformed("not a dictionary")
        self._values: Mapping[object, object] = value

    def _get(self, name: str, kind: type[T]) -> T:
        value = self._values.get(name)
        # type() and not isinstance(): a bool is no number here.
        if type(value) is not kind:
            raise Malformed(f"field {name!r} is missing or no {kind.__name__}")
        return value

    def integer(self, name: str) -> int:
        """A number of at most 64 bits."""
        value = self._get(name, int)
        if not -_MAX_INT <= value < _MAX_INT:
            raise Malformed(f"field {name!r} has more than 64 bits")
        return value

    def text(self, name: str) -> str:
        """A text."""
        return self._get(name, str)

    def data(self, name: str) -> bytes:
        """Bytes."""
        return self._get(name, bytes)

    def flag(self, name: str) -> bool:
        """True or False."""
        return self._get(name, bool)

    def optional_integer(self, name: str) -> int | None:
        """A number, or None where it is None or absent."""
        return None if self._values.get(name) is None else self.integer(name)

    def choice(self, name: str, kind: type[E]) -> E:
        """A member of an enumeration, by its value."""
        try:
            return kind(self.text(name))
        except ValueError:
            raise Malformed(f"field {name!r} is no {kind.__name__}") from None

    def inner(self, name: str) -> Fields:
        """A dictionary."""
        return Fields(self._get(name, dict))

    def many(self, name: str) -> list[Fields]:
        """A list of dictionaries."""
        return [Fields(item) for item in self._get(name, list)]
