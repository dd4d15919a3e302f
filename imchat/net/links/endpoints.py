"""Where links may run. Tokens and verification codes travel in them: over TLS, or without leaving the machine."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.interfaces import IStreamClientEndpoint, IStreamServerEndpoint

_SERVER_KINDS = (
    "unix:PATH, ssl:PORT:privateKey=FILE:certKey=FILE, tls:DIRECTORY:port=PORT, tcp:PORT:interface=127.0.0.1"
)
_CLIENT_KINDS = "unix:PATH, tls:HOST:PORT, tcp:127.0.0.1:PORT"


class EndpointRefused(ValueError):
    """An endpoint string that is wrong, or would carry secrets in clear; the message says which and shows it."""


def listener(reactor: Any, text: str) -> IStreamServerEndpoint:
    """The endpoint on which a server of links listens.

    Args:
        reactor: The reactor.
        text: ``unix:``, ``ssl:``, ``tls:``, ``tcp:`` with a loopback interface, or ``systemd:domain=UNIX``.

    Raises:
        EndpointRefused: it is no such endpoint, or its files cannot be read.
    """
    kind, positional, named = _split(text)
    if kind in ("tcp", "tcp4", "tcp6"):
        interface = named.get("interface") or (positional[1] if len(positional) > 1 else "")
        _refuse_clear(text, interface, "listen with tls: or ssl:, or add :interface=127.0.0.1")
    elif kind not in ("unix", "ssl", "tls") and not (kind == "systemd" and named.get("domain") == "UNIX"):
        raise EndpointRefused(f"{text!r}: a server of links listens on one of {_SERVER_KINDS}")
    try:
        endpoint: IStreamServerEndpoint = serverFromString(reactor, text)
    except Exception as error:
        raise _unusable(text, error) from error
    return endpoint


def connector(reactor: Any, text: str) -> IStreamClientEndpoint:
    """The endpoint at which a link finds its server.

    Args:
        reactor: The reactor.
        text: ``unix:PATH``, ``tls:HOST:PORT`` (with ``:trustRoots=DIRECTORY`` for a private authority), or ``tcp:``
            with a loopback address.

    Raises:
        EndpointRefused: it is no such endpoint.
    """
    kind, positional, named = _split(text)
    if kind == "tcp":
        host = named.get("host") or (positional[0] if positional else "")
        _refuse_clear(text, host, "use tls:HOST:PORT")
    elif kind not in ("unix", "tls"):
        raise EndpointRefused(f"{text!r}: a link goes to one of {_CLIENT_KINDS}")
    return parsed(reactor, text)


def parsed(reactor: Any, text: str) -> IStreamClientEndpoint:
    """A client's endpoint of any kind.

    Raises:
        EndpointRefused: it is none, or its files cannot be read.
    """
    try:
        endpoint: IStreamClientEndpoint = clientFromString(reactor, text)
    except Exception as error:
        raise _unusable(text, error) from error
    return endpoint


def _unusable(text: str, error: Exception) -> EndpointRefused:
    # Twisted's error for a directory that cannot be read says nothing itself.
    reason = str(error) or str(error.__context__ or "") or type(error).__name__
    return EndpointRefused(f"{text!r}: cannot be used: {reason}")


def stays_here(text: str) -> bool:
    """Whether what is sent to a client endpoint string does not leave this machine."""
    kind, positional, named = _split(text)
    return kind == "unix" or _is_loopback(named.get("host") or (positional[0] if positional else ""))


def _refuse_clear(text: str, host: str, instead: str) -> None:
    if not _is_loopback(host):
        raise EndpointRefused(f"{text!r}: would carry tokens and codes in clear between machines; {instead}")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _split(text: str) -> tuple[str, list[str], dict[str, str]]:
    """Kind, positional and named arguments of an endpoint string."""
    kind, *words = _words(text)
    positional, named = [], {}
    for word in words:
        name, equals, value = word.partition("=")
        if equals:
            named[name] = value
        else:
            positional.append(word)
    return kind, positional, named


def _words(text: str) -> Iterator[str]:
    word, characters = "", iter(text)
    for character in characters:
        if character == ":":
            yield word
            word = ""
        else:
            word += next(characters, "") if character == "\\" else character
    yield word
