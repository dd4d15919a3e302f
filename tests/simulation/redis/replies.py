"""What a Redis server says, as bytes."""

from __future__ import annotations

from typing import Any

OK = b"+OK\r\n"
PONG = b"+PONG\r\n"
NIL = b"$-1\r\n"


class Refusal(Exception):
    """A command is answered with an error.

    Args:
        text: The line, which begins with a word in capitals that names the kind of error.
    """


WRONG_TYPE = "WRONGTYPE Operation against a key holding the wrong kind of value"
NOT_A_NUMBER = "ERR value is not an integer or out of range"


def error(text: str) -> bytes:
    """An error."""
    return b"-%b\r\n" % text.encode("utf-8", "backslashreplace")


def encode(value: Any) -> bytes:
    """An int, bytes, None, or a list of them."""
    if isinstance(value, bytes):
        return b"$%d\r\n%b\r\n" % (len(value), value)
    if isinstance(value, int):
        return b":%d\r\n" % value
    if value is None:
        return NIL
    return b"*%d\r\n%b" % (len(value), b"".join(map(encode, value)))


def number(word: bytes) -> int:
    """The whole number that a word stands for.

    Raises:
        Refusal: it is none, as Redis writes them.
    """
    try:
        value = int(word)
    except ValueError:
        value = 2**63
    if not -(2**63) <= value < 2**63 or b"%d" % value != word:
        raise Refusal(NOT_A_NUMBER)
    return value
