"""The commands that imchat and its tests use, answered as Redis 7 answers them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from tests.simulation.redis import replies
from tests.simulation.redis.replies import Refusal, encode, error, number
from tests.simulation.redis.scripts import run_script

if TYPE_CHECKING:
    from tests.simulation.redis.connection import Connection

Words = Sequence[bytes]
_DATABASES = 16


def execute(connection: Connection, words: Words) -> bytes:
    """Carry out one command and return the answer."""
    try:
        return _find(connection, words)(connection, words)
    except Refusal as refusal:
        return error(str(refusal))


def _find(connection: Connection, words: Words) -> Callable[[Connection, Words], bytes]:
    name = words[0]
    found = _COMMANDS.get(name) or _COMMANDS.get(name.upper())
    if found is None:
        given = "".join(f"'{word.decode('utf-8', 'replace')}' " for word in words[1:])
        raise Refusal(f"ERR unknown command '{name.decode('utf-8', 'replace')}', with args beginning with: {given}")
    command, least, most = found
    if not least <= len(words) <= (most or len(words)):
        raise Refusal(f"ERR wrong number of arguments for '{_lower(name)}' command")
    if not connection.trusted and command is not _auth:
        raise Refusal("NOAUTH Authentication required.")
    if connection.channels and command not in _FOR_SUBSCRIBERS:
        raise Refusal(
            f"ERR Can't execute '{_lower(name)}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
            "allowed in this context"
        )
    return command


def _lower(name: bytes) -> str:
    return name.decode("utf-8", "replace").lower()


# --- the connection


def _ping(connection: Connection, words: Words) -> bytes:
    if connection.channels:
        return encode([b"pong", words[1] if len(words) == 2 else b""])
    return encode(words[1]) if len(words) == 2 else replies.PONG


def _auth(connection: Connection, words: Words) -> bytes:
    if len(words) > 3:
        raise Refusal("ERR syntax error")
    password = connection.run.server.password
    if len(words) == 2 and not password:
        raise Refusal(
            "ERR AUTH <password> called without any password configured for the default user. "
            "Are you sure your configuration is correct?"
        )
    username = words[1] if len(words) == 3 else b"default"
    if username != b"default" or (password and words[-1] != password):
        raise Refusal("WRONGPASS invalid username-password pair or user is disabled.")
    connection.trusted = True
    return replies.OK


def _select(connection: Connection, words: Words) -> bytes:
    index = number(words[1])
    if not 0 <= index < _DATABASES:
        raise Refusal("ERR DB index is out of range")
    connection.keys = connection.run.server.keys(index)
    return replies.OK


def _role(connection: Connection, words: Words) -> bytes:
    return encode([b"master", 0, []])


# --- channels


def _publish(connection: Connection, words: Words) -> bytes:
    return b":%d\r\n" % connection.run.publish(words[1], words[2])


def _subscribe(connection: Connection, words: Words) -> bytes:
    mine, all_channels = connection.channels, connection.run.channels
    lines = []
    for channel in words[1:]:
        if channel not in mine:
            mine[channel] = None
            all_channels.setdefault(channel, {})[connection] = None
        lines.append(encode([b"subscribe", channel, len(mine)]))
    return b"".join(lines)


def _unsubscribe(connection: Connection, words: Words) -> bytes:
    mine = connection.channels
    lines = []
    for channel in words[1:] or list(mine) or [None]:
        if channel in mine:
            del mine[channel]
            connection.run.leave(channel, connection)
        lines.append(encode([b"unsubscribe", channel, len(mine)]))
    return b"".join(lines)


# --- keys


def _get(connection: Connection, words: Words) -> bytes:
    return encode(connection.keys.find(words[1], bytes))


def _set(connection: Connection, words: Words) -> bytes:
    lifetime_ms = None
    if len(words) > 3:
        if len(words) != 5 or words[3].upper() != b"PX":
            raise Refusal("ERR syntax error")
        lifetime_ms = number(words[4])
        if lifetime_ms <= 0:
            raise Refusal("ERR invalid expire time in 'set' command")
    connection.keys.put(words[1], words[2], lifetime_ms)
    return replies.OK


def _del(connection: Connection, words: Words) -> bytes:
    return encode(sum(connection.keys.delete(key) for key in words[1:]))


def _exists(connection: Connection, words: Words) -> bytes:
    return encode(sum(key in connection.keys for key in words[1:]))


def _pexpire(connection: Connection, words: Words) -> bytes:
    return encode(int(connection.keys.expire(words[1], number(words[2]))))


def _pttl(connection: Connection, words: Words) -> bytes:
    return encode(connection.keys.left_ms(words[1]))


def _lpush(connection: Connection, words: Words) -> bytes:
    values = connection.keys.make(words[1], list)
    for word in words[2:]:
        values.insert(0, word)
    return encode(len(values))


def _hset(connection: Connection, words: Words) -> bytes:
    if len(words) % 2:
        raise Refusal("ERR wrong number of arguments for 'hset' command")
    fields = connection.keys.make(words[1], dict)
    before = len(fields)
    fields.update(zip(words[2::2], words[3::2], strict=True))
    return encode(len(fields) - before)


def _hmget(connection: Connection, words: Words) -> bytes:
    fields = connection.keys.find(words[1], dict) or {}
    return encode([fields.get(field) for field in words[2:]])


def _hgetall(connection: Connection, words: Words) -> bytes:
    fields = connection.keys.find(words[1], dict) or {}
    return encode([word for pair in fields.items() for word in pair])


def _hkeys(connection: Connection, words: Words) -> bytes:
    return encode(list(connection.keys.find(words[1], dict) or {}))


def _hdel(connection: Connection, words: Words) -> bytes:
    fields = connection.keys.find(words[1], dict) or {}
    gone = sum(fields.pop(field, None) is not None for field in words[2:])
    if gone:
        connection.keys.tidy(words[1])
    return encode(gone)


def _flushall(connection: Connection, words: Words) -> bytes:
    connection.run.server.flush()
    return replies.OK


# --- scripts


def _eval(connection: Connection, words: Words) -> bytes:
    # As Redis names scripts; nothing rests on its strength.
    digest = hashlib.sha1(words[1], usedforsecurity=False).hexdigest().encode()
    connection.run.scripts.add(digest)
    return _run(connection, digest, words)


def _evalsha(connection: Connection, words: Words) -> bytes:
    digest = words[1].lower()
    if digest not in connection.run.scripts:
        raise Refusal("NOSCRIPT No matching script. Please use EVAL.")
    return _run(connection, digest, words)


def _run(connection: Connection, digest: bytes, words: Words) -> bytes:
    count = number(words[2])
    if count > len(words) - 3:
        raise Refusal("ERR Number of keys can't be greater than number of args")
    if count < 0:
        raise Refusal("ERR Number of keys can't be negative")
    keys, arguments = words[3 : 3 + count], words[3 + count :]
    return encode(run_script(digest.decode(), connection, keys, arguments))


# By name: the function, and the least and the most words (0: any number) of it.
_COMMANDS: dict[bytes, tuple[Callable[[Connection, Words], bytes], int, int]] = {
    b"AUTH": (_auth, 2, 0),
    b"DEL": (_del, 2, 0),
    b"EVAL": (_eval, 3, 0),
    b"EVALSHA": (_evalsha, 3, 0),
    b"EXISTS": (_exists, 2, 0),
    b"FLUSHALL": (_flushall, 1, 1),
    b"GET": (_get, 2, 2),
    b"HDEL": (_hdel, 3, 0),
    b"HGETALL": (_hgetall, 2, 2),
    b"HKEYS": (_hkeys, 2, 2),
    b"HMGET": (_hmget, 3, 0),
    b"HSET": (_hset, 4, 0),
    b"LPUSH": (_lpush, 3, 0),
    b"PEXPIRE": (_pexpire, 3, 3),
    b"PING": (_ping, 1, 2),
    b"PTTL": (_pttl, 2, 2),
    b"PUBLISH": (_publish, 3, 3),
    b"ROLE": (_role, 1, 1),
    b"SELECT": (_select, 2, 2),
    b"SET": (_set, 3, 0),
    b"SUBSCRIBE": (_subscribe, 2, 0),
    b"UNSUBSCRIBE": (_unsubscribe, 1, 0),
}
_FOR_SUBSCRIBERS = (_ping, _subscribe, _unsubscribe)
