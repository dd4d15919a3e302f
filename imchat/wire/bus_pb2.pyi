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
    __slots__ = ("events_appended", "sessions_closed", "person_changed", "receipt", "typing", "relations_changed")
    EVENTS_APPENDED_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_CLOSED_FIELD_NUMBER: _ClassVar[int]
    PERSON_CHANGED_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    TYPING_FIELD_NUMBER: _ClassVar[int]
    RELATIONS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    events_appended: EventsAppended
    sessions_closed: SessionsClosed
    person_changed: PersonChanged
    receipt: Receipt
    typing: Typing
    relations_changed: RelationsChanged
    def __init__(self, events_appended: _Optional[_Union[EventsAppended, _Mapping]] = ..., sessions_closed: _Optional[_Union[SessionsClosed, _Mapping]] = ..., person_changed: _Optional[_Union[PersonChanged, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., typing: _Optional[_Union[Typing, _Mapping]] = ..., relations_changed: _Optional[_Union[RelationsChanged, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("stream_id", "seq", "sender_id", "client_id", "kind", "content", "ordinal", "created_ms", "changed_seq", "state", "quote", "target", "target_seq")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_SEQ_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    TARGET_SEQ_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    kind: int
    content: bytes
    ordinal: int
    created_ms: int
    changed_seq: int
    state: int
    quote: StoredEvent
    target: StoredEvent
    target_seq: int
    def __init__(self, stream_id: _Optional[int] = ..., seq: _Optional[int] = ..., sender_id: _Optional[int] = ..., client_id: _Optional[bytes] = ..., kind: _Optional[int] = ..., content: _Optional[bytes] = ..., ordinal: _Optional[int] = ..., created_ms: _Optional[int] = ..., changed_seq: _Optional[int] = ..., state: _Optional[int] = ..., quote: _Optional[_Union[StoredEvent, _Mapping]] = ..., target: _Optional[_Union[StoredEvent, _Mapping]] = ..., target_seq: _Optional[int] = ...) -> None: ...

class PersonChanged(_message.Message):
    __slots__ = ("user_id", "profile", "presence")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    profile: bool
    presence: bool
    def __init__(self, user_id: _Optional[int] = ..., profile: _Optional[bool] = ..., presence: _Optional[bool] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("conversation_id", "user_id", "delivered_seq", "read_seq", "for_ids")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    FOR_IDS_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    user_id: int
    delivered_seq: int
    read_seq: int
    for_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, conversation_id: _Optional[int] = ..., user_id: _Optional[int] = ..., delivered_seq: _Optional[int] = ..., read_seq: _Optional[int] = ..., for_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class Typing(_message.Message):
    __slots__ = ("conversation_id", "user_id", "for_ids")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    FOR_IDS_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    user_id: int
    for_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, conversation_id: _Optional[int] = ..., user_id: _Optional[int] = ..., for_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class RelationsChanged(_message.Message):
    __slots__ = ("user_id", "conversation_id")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    conversation_id: int
    def __init__(self, user_id: _Optional[int] = ..., conversation_id: _Optional[int] = ...) -> None: ...

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
