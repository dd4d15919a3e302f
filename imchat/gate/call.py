"""A request as handlers see it: who asks, and what the body and the headers say."""

from __future__ import annotations

import ipaddress
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from twisted.internet.interfaces import IAddress
from twisted.web.iweb import IRequest

from imchat.domain.errors import InvalidRequest, Unauthenticated, Unsupported
from imchat.domain.sessions import token_bytes
from imchat.gate.problems import HttpRefusal
from imchat.gate.schemas import Fault

S = TypeVar("S", bound=BaseModel)

_MAX_FAULTS = 20
_MAX_FIELD = 64
_MAX_LANGUAGE = 200


def peer_of(address: IAddress) -> str:
    """The network that limits count by: an IPv4 address, the /64 of an IPv6 one, ``local`` for other sockets."""
    try:
        parsed = ipaddress.ip_address(getattr(address, "host", "").partition("%")[0])
    except ValueError:
        return "local"
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, 64), strict=False))


class Call:
    """A request as handlers see it."""

    def __init__(self, request: IRequest) -> None:
        self._request = request
        self.peer = peer_of(request.getClientAddress())

    def _header(self, name: bytes) -> str:
        # Asked for by its name as text, Twisted decodes a value as UTF-8 and fails where it is not.
        return (self._request.getHeader(name) or b"").decode("latin-1")

    @property
    def language(self) -> str:
        """The client's ``Accept-Language``, empty where it has none."""
        return self._header(b"Accept-Language")[:_MAX_LANGUAGE]

    def body(self, schema: type[S]) -> S:
        """Read the body.

        Raises:
            HttpRefusal: 415 where it is not declared as JSON, 400 where it is none, 422 where fields are wrong.
        """
        self._check_media_type()
        assert self._request.content is not None  # noqa: S101  (Twisted sets it before a request is rendered)
        try:
            return schema.model_validate_json(self._request.content.read())
        except ValidationError as error:
            raise _refusal(schema, error) from None

    def _check_media_type(self) -> None:
        media_type, _, parameters = self._header(b"Content-Type").partition(";")
        charset = parameters.replace(" ", "").replace('"', "").lower()
        if media_type.strip().lower() != "application/json" or charset not in ("", "charset=utf-8"):
            raise HttpRefusal(Unsupported("the body must be declared as application/json (in UTF-8)"))
        if self._header(b"Content-Encoding").strip().lower() not in ("", "identity"):
            raise HttpRefusal(Unsupported("the body must not be compressed"))

    def token(self) -> str:
        """The bearer token.

        Raises:
            Unauthenticated: there is none, or it has not the form of one.
        """
        scheme, _, token = self._header(b"Authorization").partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("this needs the header Authorization: Bearer TOKEN")
        token_bytes(token.strip())
        return token.strip()


def _refusal(schema: type[BaseModel], error: ValidationError) -> HttpRefusal:
    details = error.errors(include_url=False, include_context=False, include_input=False)
    if details[0]["type"] == "json_invalid":
        return HttpRefusal(InvalidRequest("the body is no JSON in UTF-8"), 400)
    faults = [_fault(schema, detail["loc"], detail["type"], detail["msg"]) for detail in details[:_MAX_FAULTS]]
    return HttpRefusal(InvalidRequest("the request has wrong fields"), faults=faults)


def _fault(schema: type[BaseModel], place: tuple[int | str, ...], kind: str, text: str) -> Fault:
    name = str(place[0]) if place else ""
    field = schema.model_fields.get(name)
    if kind == "string_pattern_mismatch" and field is not None and field.description:
        text = f"must be {field.description}"
    return Fault(field=name[:_MAX_FIELD], message=text)
