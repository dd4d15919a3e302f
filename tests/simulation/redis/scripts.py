"""imchat's Lua scripts, done in Python.

Each is known by the digest of its whole text, so that a script that was changed is found out, and its double here is
changed with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tests.simulation.redis.replies import Refusal

if TYPE_CHECKING:
    from tests.simulation.redis.connection import Connection
    from tests.simulation.redis.keys import Keys

Arguments = Sequence[bytes]
Script = Callable[["Keys", int, Sequence[bytes], Arguments], Any]
"""Takes the keys of the database, whole milliseconds of the clock in microseconds, KEYS and ARGV."""


class UnknownScript(AssertionError):
    """Someone sent a script that is not done here."""


def run_script(digest: str, connection: Connection, keys: Sequence[bytes], arguments: Arguments) -> Any:
    """Run the script of this digest and return what it returns.

    Raises:
        UnknownScript: no double of it is here. No answer for the client: whoever takes a refused script for a Redis
            that is away would go on without it, and what was to be tried would not be.
    """
    script = SCRIPTS.get(digest)
    if script is None:
        raise UnknownScript(f"a script has changed or is new: put its double under {digest} in {__name__}")
    server = connection.run.server
    try:
        return script(connection.keys, server.now_ms() * 1000, keys, arguments)
    except Refusal as refusal:
        raise Refusal(f"{refusal} script: {digest}, on @user_script.") from None


def _number(word: bytes | None) -> float:
    """``tonumber(word or 0) or 0``; whole numbers stay exact, as they are in a double up to 16 digits."""
    try:
        return int(word or 0)
    except ValueError:
        pass
    try:
        return float(word or 0)
    except ValueError:
        return 0


# --- verification codes


def _put_code(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> int:
    data.make(keys[0], dict).update({b"digest": arguments[0], b"wrong": b"0"})
    data.expire(keys[0], int(arguments[1]))
    return 1


def _take_code(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> int:
    kept = data.find(keys[0], dict) or {}
    if b"digest" not in kept:
        return 0
    wrong, max_tries = _number(kept.get(b"wrong")), _number(arguments[1])
    right = wrong < max_tries and kept[b"digest"] == arguments[0]
    if right or wrong + 1 >= max_tries:
        data.delete(keys[0])
    else:
        kept[b"wrong"] = b"%d" % (wrong + 1)
    return int(right)


# --- rate limits


def _keep(data: Keys, now: int, key: bytes, state: float) -> None:
    if state > now:
        data.put(key, b"%d" % state, int(-(-(state - now) // 1000)))
    else:
        data.delete(key)


def _take(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> int:
    cost, window = _number(arguments[0]), _number(arguments[1])
    state = _number(data.find(keys[0], bytes))
    state = min(max(state, now), now + window)
    excess = state + cost - (now + window)
    if excess > 0:
        return int(-(-excess // 1000))
    _keep(data, now, keys[0], state + cost)
    return 0


def _give_back(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> int:
    state = _number(data.find(keys[0], bytes))
    if state > 0:
        _keep(data, now, keys[0], state - _number(arguments[0]))
    return 0


# --- the copy of the chat nodes


def _living(data: Keys, now: int, key: bytes) -> list[bytes]:
    kept = []
    fields = data.find(key, dict) or {}
    for field, value in list(fields.items()):
        ends = re.match(rb"[0-9]+", value)
        if ends is None or int(ends[0]) <= now:
            del fields[field]
        elif value[ends.end() : ends.end() + 1] == b" ":
            kept.append(value[ends.end() + 1 :])
    if key in data:
        data.tidy(key)
    return kept


def _write_nodes(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> int:
    lifetime_ms = int(arguments[0])
    ends = b"%d " % (now + lifetime_ms * 1000)
    if len(arguments) > 1:
        fields = data.make(keys[0], dict)
        fields.update((name, ends + value) for name, value in zip(arguments[1::2], arguments[2::2], strict=True))
    if data.left_ms(keys[0]) < lifetime_ms:
        data.expire(keys[0], lifetime_ms)
    return len(_living(data, now, keys[0]))


def _read_nodes(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> list[bytes]:
    return _living(data, now, keys[0])


# --- presence


def _put_presence(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> int:
    lifetime_ms = int(arguments[0])
    ends = b"%d " % (now + lifetime_ms * 1000)
    for key, field, value in zip(keys, arguments[1::2], arguments[2::2], strict=True):
        data.make(key, dict)[field] = ends + value
        if data.left_ms(key) < lifetime_ms:
            data.expire(key, lifetime_ms)
        _living(data, now, key)
    return len(keys)


def _drop_presence(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> int:
    for key, field in zip(keys, arguments, strict=True):
        fields = data.find(key, dict)
        if fields is not None and fields.pop(field, None) is not None:
            data.tidy(key)
    return len(keys)


def _get_presence(data: Keys, now: int, keys: Sequence[bytes], arguments: Arguments) -> list[list[bytes]]:
    return [_living(data, now, key) for key in keys]


SCRIPTS: dict[str, Script] = {
    # imchat.store.redis.codes: PUT, TAKE
    "8849c7e12eeee6eaecd9a1e5d694660720ef4740": _put_code,
    "2fd040253fb0bdf2d468bd641e68ece5f12141f9": _take_code,
    # imchat.store.redis.limits: CLOCK + TAKE, CLOCK + GIVE_BACK
    "1e33c34b678bcd2bd2b47cdb65f72d14f407675f": _take,
    "2643f2a8c10c9172d0df04a2a0d93802e0a9b248": _give_back,
    # imchat.store.redis.nodes: WRITE, READ
    "a050862a1833b94743067f7c971de822647ec7eb": _write_nodes,
    "ce73ea0cba8f31e69291b7d5b140eaafceb6dadb": _read_nodes,
    # imchat.store.redis.presence: PUT, DROP, GET
    "d62a9fd2b0bdf06ab17ad9b4b5a215988d668c9e": _put_presence,
    "c3e367dc821db7db18e9342fb7a9ceacce3c0bf7": _drop_presence,
    "012d4576f103511fbff46476cf05f7689a2ff61d": _get_presence,
}
