"""The methods of the servers that are called over links, and the domain's values on the wire: for both ends.

Values travel as dictionaries, and a reader ignores what it does not know: servers of two releases understand each
other while they are upgraded one by one.

Whether a method may be asked of a second server after the first was asked and did not answer, is decided here:

- ``open_session``: yes. Both are asked for the same token, so a first that carries it out late changes nothing.
- ``authenticate``, ``route``: yes, they only read (and count as use).
- ``end_session``, ``end_all_sessions``, ``end_other_sessions``: yes, what is ended stays ended.
- ``report``: goes to every server anyway.
- ``send_code``: no, the person would get two mails, of which the first holds a void code.
- ``check_code``: no. The code may have been used up and the answer lost; another server would then say
  ``code_invalid`` of a right code. The caller gets ``unavailable``, which says that the outcome is unknown.
"""

from __future__ import annotations

from dataclasses import dataclass

from imchat.domain.models import Device, Login, NodeAddress, NodeReport, Route, Session
from imchat.net.links.plain import Fields, Plain


@dataclass(frozen=True, slots=True)
class Method:
    """A method that is called over links.

    Attributes:
        repeatable: Whether another server may be asked when the first was asked and did not answer.
    """

    name: str
    repeatable: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A kind of server and its methods."""

    name: str
    methods: tuple[Method, ...]


REPORT = Method("report", repeatable=True)
OPEN_SESSION = Method("open_session", repeatable=True)
AUTHENTICATE = Method("authenticate", repeatable=True)
ROUTE = Method("route", repeatable=True)
END_SESSION = Method("end_session", repeatable=True)
END_ALL_SESSIONS = Method("end_all_sessions", repeatable=True)
END_OTHER_SESSIONS = Method("end_other_sessions", repeatable=True)
STATUS = Service(
    "status", (REPORT, OPEN_SESSION, AUTHENTICATE, ROUTE, END_SESSION, END_ALL_SESSIONS, END_OTHER_SESSIONS)
)

SEND_CODE = Method("send_code", repeatable=False)
CHECK_CODE = Method("check_code", repeatable=False)
VERIFY = Service("verify", (SEND_CODE, CHECK_CODE))


def pack_device(device: Device) -> Plain:
    """A device on the wire."""
    return {"id": device.device_id, "name": device.device_name, "platform": device.platform}


def unpack_device(fields: Fields) -> Device:
    """The device that a peer sent."""
    return Device(fields.text("id"), fields.text("name"), fields.text("platform"))


def pack_address(address: NodeAddress) -> Plain:
    """A node's address on the wire."""
    return {"host": address.host, "port": address.port, "tls": address.tls}


def unpack_address(fields: Fields) -> NodeAddress:
    """The node's address that a peer sent."""
    return NodeAddress(fields.text("host"), fields.integer("port"), fields.flag("tls"))


def pack_report(report: NodeReport) -> Plain:
    """A node's report on the wire."""
    return {
        "node_id": report.node_id,
        "address": pack_address(report.address),
        "connections": report.connections,
        "draining": report.draining,
        "incarnation": report.incarnation,
    }


def unpack_report(fields: Fields) -> NodeReport:
    """The report that a node sent."""
    address = unpack_address(fields.inner("address"))
    connections, draining = fields.integer("connections"), fields.flag("draining")
    return NodeReport(
        fields.text("node_id"), address, connections, draining, fields.optional_integer("incarnation") or 0
    )


def pack_session(session: Session) -> Plain:
    """A session on the wire."""
    return {
        "user_id": session.user_id,
        "name": session.name,
        "device": pack_device(session.device),
        "generation": session.generation,
        "created_ms": session.created_ms,
        "last_used_ms": session.last_used_ms,
    }


def unpack_session(fields: Fields) -> Session:
    """The session that a peer sent."""
    return Session(
        user_id=fields.integer("user_id"),
        name=fields.text("name"),
        device=unpack_device(fields.inner("device")),
        generation=fields.integer("generation"),
        created_ms=fields.integer("created_ms"),
        last_used_ms=fields.integer("last_used_ms"),
    )


def pack_nodes(route: Route) -> Plain:
    """The nodes of a route on the wire, best first."""
    return [pack_address(address) for address in route.nodes]


def unpack_nodes(fields: list[Fields]) -> Route:
    """The route that a peer sent."""
    return Route(tuple(unpack_address(node) for node in fields))


def pack_login(login: Login) -> Plain:
    """A fresh session on the wire, with its token."""
    return {
        "user_id": login.user_id,
        "name": login.name,
        "token": login.token,
        "expires_ms": login.expires_ms,
        "nodes": pack_nodes(login.route),
    }


def unpack_login(fields: Fields) -> Login:
    """The fresh session that a peer sent."""
    return Login(
        user_id=fields.integer("user_id"),
        name=fields.text("name"),
        token=fields.text("token"),
        expires_ms=fields.integer("expires_ms"),
        route=unpack_nodes(fields.many("nodes")),
    )


def pack_routed(session: Session, route: Route, expires_ms: int) -> Plain:
    """The answer to ``route`` on the wire."""
    return {"session": pack_session(session), "nodes": pack_nodes(route), "expires_ms": expires_ms}


def unpack_routed(fields: Fields) -> tuple[Session, Route, int]:
    """The answer to ``route`` that a peer sent."""
    session = unpack_session(fields.inner("session"))
    return session, unpack_nodes(fields.many("nodes")), fields.integer("expires_ms")
