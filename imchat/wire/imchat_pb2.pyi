from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ConversationKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONVERSATION_KIND_UNSPECIFIED: _ClassVar[ConversationKind]
    DIRECT: _ClassVar[ConversationKind]
    GROUP: _ClassVar[ConversationKind]
CONVERSATION_KIND_UNSPECIFIED: ConversationKind
DIRECT: ConversationKind
GROUP: ConversationKind

class Frame(_message.Message):
    __slots__ = ("request_id", "hello", "welcome", "error", "ping", "pong", "open_direct", "direct_opened", "send_message", "accepted", "sync", "sync_result", "history", "history_result", "get_users", "users", "event", "stream_at", "goodbye", "move")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    HELLO_FIELD_NUMBER: _ClassVar[int]
    WELCOME_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    PING_FIELD_NUMBER: _ClassVar[int]
    PONG_FIELD_NUMBER: _ClassVar[int]
    OPEN_DIRECT_FIELD_NUMBER: _ClassVar[int]
    DIRECT_OPENED_FIELD_NUMBER: _ClassVar[int]
    SEND_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    SYNC_FIELD_NUMBER: _ClassVar[int]
    SYNC_RESULT_FIELD_NUMBER: _ClassVar[int]
    HISTORY_FIELD_NUMBER: _ClassVar[int]
    HISTORY_RESULT_FIELD_NUMBER: _ClassVar[int]
    GET_USERS_FIELD_NUMBER: _ClassVar[int]
    USERS_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    STREAM_AT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    request_id: int
    hello: Hello
    welcome: Welcome
    error: Error
    ping: Ping
    pong: Pong
    open_direct: OpenDirect
    direct_opened: DirectOpened
    send_message: SendMessage
    accepted: Accepted
    sync: Sync
    sync_result: SyncResult
    history: History
    history_result: HistoryResult
    get_users: GetUsers
    users: Users
    event: Event
    stream_at: StreamAt
    goodbye: Goodbye
    move: Move
    def __init__(self, request_id: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., open_direct: _Optional[_Union[OpenDirect, _Mapping]] = ..., direct_opened: _Optional[_Union[DirectOpened, _Mapping]] = ..., send_message: _Optional[_Union[SendMessage, _Mapping]] = ..., accepted: _Optional[_Union[Accepted, _Mapping]] = ..., sync: _Optional[_Union[Sync, _Mapping]] = ..., sync_result: _Optional[_Union[SyncResult, _Mapping]] = ..., history: _Optional[_Union[History, _Mapping]] = ..., history_result: _Optional[_Union[HistoryResult, _Mapping]] = ..., get_users: _Optional[_Union[GetUsers, _Mapping]] = ..., users: _Optional[_Union[Users, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., stream_at: _Optional[_Union[StreamAt, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., move: _Optional[_Union[Move, _Mapping]] = ...) -> None: ...

class Hello(_message.Message):
    __slots__ = ("protocol_version", "token", "device_id", "device_name", "platform", "client")
    PROTOCOL_VERSION_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    CLIENT_FIELD_NUMBER: _ClassVar[int]
    protocol_version: int
    token: str
    device_id: str
    device_name: str
    platform: str
    client: str
    def __init__(self, protocol_version: _Optional[int] = ..., token: _Optional[str] = ..., device_id: _Optional[str] = ..., device_name: _Optional[str] = ..., platform: _Optional[str] = ..., client: _Optional[str] = ...) -> None: ...

class Welcome(_message.Message):
    __slots__ = ("user_id", "name", "server_time_ms", "generation", "max_frame", "idle_timeout_ms")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    SERVER_TIME_MS_FIELD_NUMBER: _ClassVar[int]
    GENERATION_FIELD_NUMBER: _ClassVar[int]
    MAX_FRAME_FIELD_NUMBER: _ClassVar[int]
    IDLE_TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    name: str
    server_time_ms: int
    generation: int
    max_frame: int
    idle_timeout_ms: int
    def __init__(self, user_id: _Optional[int] = ..., name: _Optional[str] = ..., server_time_ms: _Optional[int] = ..., generation: _Optional[int] = ..., max_frame: _Optional[int] = ..., idle_timeout_ms: _Optional[int] = ...) -> None: ...

class Error(_message.Message):
    __slots__ = ("code", "message", "retry_after_ms")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    retry_after_ms: int
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., retry_after_ms: _Optional[int] = ...) -> None: ...

class Ping(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Pong(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OpenDirect(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    def __init__(self, user_id: _Optional[int] = ...) -> None: ...

class DirectOpened(_message.Message):
    __slots__ = ("conversation_id", "created")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    created: bool
    def __init__(self, conversation_id: _Optional[int] = ..., created: _Optional[bool] = ...) -> None: ...

class SendMessage(_message.Message):
    __slots__ = ("conversation_id", "client_id", "content")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    client_id: bytes
    content: Content
    def __init__(self, conversation_id: _Optional[int] = ..., client_id: _Optional[bytes] = ..., content: _Optional[_Union[Content, _Mapping]] = ...) -> None: ...

class Accepted(_message.Message):
    __slots__ = ("seq", "created_ms", "resent")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    RESENT_FIELD_NUMBER: _ClassVar[int]
    seq: int
    created_ms: int
    resent: bool
    def __init__(self, seq: _Optional[int] = ..., created_ms: _Optional[int] = ..., resent: _Optional[bool] = ...) -> None: ...

class Content(_message.Message):
    __slots__ = ("text", "conversation_added", "sessions_ended")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ADDED_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_ENDED_FIELD_NUMBER: _ClassVar[int]
    text: Text
    conversation_added: ConversationAdded
    sessions_ended: SessionsEnded
    def __init__(self, text: _Optional[_Union[Text, _Mapping]] = ..., conversation_added: _Optional[_Union[ConversationAdded, _Mapping]] = ..., sessions_ended: _Optional[_Union[SessionsEnded, _Mapping]] = ...) -> None: ...

class Text(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class ConversationAdded(_message.Message):
    __slots__ = ("conversation_id", "kind", "member_ids")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MEMBER_IDS_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    kind: ConversationKind
    member_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, conversation_id: _Optional[int] = ..., kind: _Optional[_Union[ConversationKind, str]] = ..., member_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class SessionsEnded(_message.Message):
    __slots__ = ("device_ids", "reason")
    DEVICE_IDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    device_ids: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, device_ids: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ...) -> None: ...

class Event(_message.Message):
    __slots__ = ("stream_id", "seq", "sender_id", "client_id", "content", "ordinal", "created_ms")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    content: Content
    ordinal: int
    created_ms: int
    def __init__(self, stream_id: _Optional[int] = ..., seq: _Optional[int] = ..., sender_id: _Optional[int] = ..., client_id: _Optional[bytes] = ..., content: _Optional[_Union[Content, _Mapping]] = ..., ordinal: _Optional[int] = ..., created_ms: _Optional[int] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("stream_id", "seq")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    seq: int
    def __init__(self, stream_id: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class Sync(_message.Message):
    __slots__ = ("positions", "cursor", "limit")
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    cursor: bytes
    limit: int
    def __init__(self, positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ..., cursor: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class SyncResult(_message.Message):
    __slots__ = ("streams", "next_cursor")
    STREAMS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    streams: _containers.RepeatedCompositeFieldContainer[StreamState]
    next_cursor: bytes
    def __init__(self, streams: _Optional[_Iterable[_Union[StreamState, _Mapping]]] = ..., next_cursor: _Optional[bytes] = ...) -> None: ...

class StreamState(_message.Message):
    __slots__ = ("stream_id", "last_seq", "last_message_seq", "counted", "last_ms", "kind", "member_ids", "events", "from_seq", "to_seq")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_MESSAGE_SEQ_FIELD_NUMBER: _ClassVar[int]
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    LAST_MS_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MEMBER_IDS_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQ_FIELD_NUMBER: _ClassVar[int]
    TO_SEQ_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    last_seq: int
    last_message_seq: int
    counted: int
    last_ms: int
    kind: ConversationKind
    member_ids: _containers.RepeatedScalarFieldContainer[int]
    events: _containers.RepeatedCompositeFieldContainer[Event]
    from_seq: int
    to_seq: int
    def __init__(self, stream_id: _Optional[int] = ..., last_seq: _Optional[int] = ..., last_message_seq: _Optional[int] = ..., counted: _Optional[int] = ..., last_ms: _Optional[int] = ..., kind: _Optional[_Union[ConversationKind, str]] = ..., member_ids: _Optional[_Iterable[int]] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ..., from_seq: _Optional[int] = ..., to_seq: _Optional[int] = ...) -> None: ...

class History(_message.Message):
    __slots__ = ("stream_id", "after", "before", "until", "limit")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    after: int
    before: int
    until: int
    limit: int
    def __init__(self, stream_id: _Optional[int] = ..., after: _Optional[int] = ..., before: _Optional[int] = ..., until: _Optional[int] = ..., limit: _Optional[int] = ...) -> None: ...

class HistoryResult(_message.Message):
    __slots__ = ("stream_id", "from_seq", "to_seq", "last_seq", "events")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_SEQ_FIELD_NUMBER: _ClassVar[int]
    TO_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    from_seq: int
    to_seq: int
    last_seq: int
    events: _containers.RepeatedCompositeFieldContainer[Event]
    def __init__(self, stream_id: _Optional[int] = ..., from_seq: _Optional[int] = ..., to_seq: _Optional[int] = ..., last_seq: _Optional[int] = ..., events: _Optional[_Iterable[_Union[Event, _Mapping]]] = ...) -> None: ...

class GetUsers(_message.Message):
    __slots__ = ("ids", "names")
    IDS_FIELD_NUMBER: _ClassVar[int]
    NAMES_FIELD_NUMBER: _ClassVar[int]
    ids: _containers.RepeatedScalarFieldContainer[int]
    names: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, ids: _Optional[_Iterable[int]] = ..., names: _Optional[_Iterable[str]] = ...) -> None: ...

class Users(_message.Message):
    __slots__ = ("users",)
    USERS_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[UserCard]
    def __init__(self, users: _Optional[_Iterable[_Union[UserCard, _Mapping]]] = ...) -> None: ...

class UserCard(_message.Message):
    __slots__ = ("user_id", "name")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    name: str
    def __init__(self, user_id: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class StreamAt(_message.Message):
    __slots__ = ("stream_id", "last_seq")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    last_seq: int
    def __init__(self, stream_id: _Optional[int] = ..., last_seq: _Optional[int] = ...) -> None: ...

class Goodbye(_message.Message):
    __slots__ = ("code", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class Move(_message.Message):
    __slots__ = ("after_ms",)
    AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    after_ms: int
    def __init__(self, after_ms: _Optional[int] = ...) -> None: ...
