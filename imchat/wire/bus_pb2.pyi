from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class BusMessage(_message.Message):
    __slots__ = ("origin", "notices", "heartbeat")
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    NOTICES_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    origin: Origin
    notices: _containers.RepeatedCompositeFieldContainer[Notice]
    heartbeat: Heartbeat
    def __init__(self, origin: _Optional[_Union[Origin, _Mapping]] = ..., notices: _Optional[_Iterable[_Union[Notice, _Mapping]]] = ..., heartbeat: _Optional[_Union[Heartbeat, _Mapping]] = ...) -> None: ...

class Origin(_message.Message):
    __slots__ = ("node_id", "incarnation")
    NODE_ID_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    node_id: str
    incarnation: int
    def __init__(self, node_id: _Optional[str] = ..., incarnation: _Optional[int] = ...) -> None: ...

class Notice(_message.Message):
    __slots__ = ("events_appended", "sessions_closed")
    EVENTS_APPENDED_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    events_appended: EventsAppended
    sessions_closed: SessionsClosed
    def __init__(self, events_appended: _Optional[_Union[EventsAppended, _Mapping]] = ..., sessions_closed: _Optional[_Union[SessionsClosed, _Mapping]] = ...) -> None: ...

class EventsAppended(_message.Message):
    __slots__ = ("stream_id", "member_version", "events")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    MEMBER_VERSION_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    member_version: int
    events: _containers.RepeatedCompositeFieldContainer[StoredEvent]
    def __init__(self, stream_id: _Optional[int] = ..., member_version: _Optional[int] = ..., events: _Optional[_Iterable[_Union[StoredEvent, _Mapping]]] = ...) -> None: ...

class StoredEvent(_message.Message):
    __slots__ = ("stream_id", "seq", "sender_id", "client_id", "kind", "content", "ordinal", "created_ms")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    kind: int
    content: bytes
    ordinal: int
    created_ms: int
    def __init__(self, stream_id: _Optional[int] = ..., seq: _Optional[int] = ..., sender_id: _Optional[int] = ..., client_id: _Optional[bytes] = ..., kind: _Optional[int] = ..., content: _Optional[bytes] = ..., ordinal: _Optional[int] = ..., created_ms: _Optional[int] = ...) -> None: ...

class SessionsClosed(_message.Message):
    __slots__ = ("user_id", "every_device", "device_ids", "code", "below_generation")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EVERY_DEVICE_FIELD_NUMBER: _ClassVar[int]
    DEVICE_IDS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    BELOW_GENERATION_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    every_device: bool
    device_ids: _containers.RepeatedScalarFieldContainer[str]
    code: str
    below_generation: int
    def __init__(self, user_id: _Optional[int] = ..., every_device: _Optional[bool] = ..., device_ids: _Optional[_Iterable[str]] = ..., code: _Optional[str] = ..., below_generation: _Optional[int] = ...) -> None: ...

class Heartbeat(_message.Message):
    __slots__ = ("failed_publishes", "leaving")
    FAILED_PUBLISHES_FIELD_NUMBER: _ClassVar[int]
    LEAVING_FIELD_NUMBER: _ClassVar[int]
    failed_publishes: int
    leaving: bool
    def __init__(self, failed_publishes: _Optional[int] = ..., leaving: _Optional[bool] = ...) -> None: ...
