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

class MessageState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NORMAL: _ClassVar[MessageState]
    EDITED: _ClassVar[MessageState]
    RECALLED: _ClassVar[MessageState]
    EXPIRED: _ClassVar[MessageState]

class Gender(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GENDER_UNSPECIFIED: _ClassVar[Gender]
    FEMALE: _ClassVar[Gender]
    MALE: _ClassVar[Gender]
    OTHER: _ClassVar[Gender]

class ContactAnswer(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTACT_ANSWER_UNSPECIFIED: _ClassVar[ContactAnswer]
    ACCEPT: _ClassVar[ContactAnswer]
    DECLINE: _ClassVar[ContactAnswer]
    IGNORE: _ClassVar[ContactAnswer]

class ContactRequestState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CONTACT_REQUEST_STATE_UNSPECIFIED: _ClassVar[ContactRequestState]
    PENDING: _ClassVar[ContactRequestState]
    ACCEPTED: _ClassVar[ContactRequestState]
    DECLINED: _ClassVar[ContactRequestState]
    IGNORED: _ClassVar[ContactRequestState]
    REQUEST_EXPIRED: _ClassVar[ContactRequestState]

class PresenceState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OFFLINE: _ClassVar[PresenceState]
    AWAY: _ClassVar[PresenceState]
    ONLINE: _ClassVar[PresenceState]
CONVERSATION_KIND_UNSPECIFIED: ConversationKind
DIRECT: ConversationKind
GROUP: ConversationKind
NORMAL: MessageState
EDITED: MessageState
RECALLED: MessageState
EXPIRED: MessageState
GENDER_UNSPECIFIED: Gender
FEMALE: Gender
MALE: Gender
OTHER: Gender
CONTACT_ANSWER_UNSPECIFIED: ContactAnswer
ACCEPT: ContactAnswer
DECLINE: ContactAnswer
IGNORE: ContactAnswer
CONTACT_REQUEST_STATE_UNSPECIFIED: ContactRequestState
PENDING: ContactRequestState
ACCEPTED: ContactRequestState
DECLINED: ContactRequestState
IGNORED: ContactRequestState
REQUEST_EXPIRED: ContactRequestState
OFFLINE: PresenceState
AWAY: PresenceState
ONLINE: PresenceState

class Frame(_message.Message):
    __slots__ = ("request_id", "hello", "welcome", "error", "ping", "pong", "open_direct", "direct_opened", "send_message", "accepted", "sync", "sync_result", "history", "history_result", "get_users", "users", "get_profile", "profile", "set_profile", "search_people", "people", "request_contact", "answer_contact", "contact_change", "list_contact_requests", "contact_requests", "list_contacts", "contacts", "set_contact", "remove_contact", "set_blocked", "watch_people", "watched_people", "set_presence", "list_sessions", "session_list", "end_sessions", "list_conversations", "conversations", "set_conversation", "mark_read", "mark_delivered", "get_receipts", "receipts", "delete_messages", "recall_message", "edit_message", "react", "typing", "done", "event", "stream_at", "goodbye", "move", "person_changed", "receipt", "typing_notice")
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
    GET_PROFILE_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    SET_PROFILE_FIELD_NUMBER: _ClassVar[int]
    SEARCH_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    REQUEST_CONTACT_FIELD_NUMBER: _ClassVar[int]
    ANSWER_CONTACT_FIELD_NUMBER: _ClassVar[int]
    CONTACT_CHANGE_FIELD_NUMBER: _ClassVar[int]
    LIST_CONTACT_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    CONTACT_REQUESTS_FIELD_NUMBER: _ClassVar[int]
    LIST_CONTACTS_FIELD_NUMBER: _ClassVar[int]
    CONTACTS_FIELD_NUMBER: _ClassVar[int]
    SET_CONTACT_FIELD_NUMBER: _ClassVar[int]
    REMOVE_CONTACT_FIELD_NUMBER: _ClassVar[int]
    SET_BLOCKED_FIELD_NUMBER: _ClassVar[int]
    WATCH_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    WATCHED_PEOPLE_FIELD_NUMBER: _ClassVar[int]
    SET_PRESENCE_FIELD_NUMBER: _ClassVar[int]
    LIST_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    SESSION_LIST_FIELD_NUMBER: _ClassVar[int]
    END_SESSIONS_FIELD_NUMBER: _ClassVar[int]
    LIST_CONVERSATIONS_FIELD_NUMBER: _ClassVar[int]
    CONVERSATIONS_FIELD_NUMBER: _ClassVar[int]
    SET_CONVERSATION_FIELD_NUMBER: _ClassVar[int]
    MARK_READ_FIELD_NUMBER: _ClassVar[int]
    MARK_DELIVERED_FIELD_NUMBER: _ClassVar[int]
    GET_RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    DELETE_MESSAGES_FIELD_NUMBER: _ClassVar[int]
    RECALL_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EDIT_MESSAGE_FIELD_NUMBER: _ClassVar[int]
    REACT_FIELD_NUMBER: _ClassVar[int]
    TYPING_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    EVENT_FIELD_NUMBER: _ClassVar[int]
    STREAM_AT_FIELD_NUMBER: _ClassVar[int]
    GOODBYE_FIELD_NUMBER: _ClassVar[int]
    MOVE_FIELD_NUMBER: _ClassVar[int]
    PERSON_CHANGED_FIELD_NUMBER: _ClassVar[int]
    RECEIPT_FIELD_NUMBER: _ClassVar[int]
    TYPING_NOTICE_FIELD_NUMBER: _ClassVar[int]
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
    get_profile: GetProfile
    profile: Profile
    set_profile: SetProfile
    search_people: SearchPeople
    people: People
    request_contact: RequestContact
    answer_contact: AnswerContact
    contact_change: ContactChange
    list_contact_requests: ListContactRequests
    contact_requests: ContactRequests
    list_contacts: ListContacts
    contacts: Contacts
    set_contact: SetContact
    remove_contact: RemoveContact
    set_blocked: SetBlocked
    watch_people: WatchPeople
    watched_people: WatchedPeople
    set_presence: SetPresence
    list_sessions: ListSessions
    session_list: SessionList
    end_sessions: EndSessions
    list_conversations: ListConversations
    conversations: Conversations
    set_conversation: SetConversation
    mark_read: MarkRead
    mark_delivered: MarkDelivered
    get_receipts: GetReceipts
    receipts: Receipts
    delete_messages: DeleteMessages
    recall_message: RecallMessage
    edit_message: EditMessage
    react: React
    typing: Typing
    done: Done
    event: Event
    stream_at: StreamAt
    goodbye: Goodbye
    move: Move
    person_changed: PersonChanged
    receipt: Receipt
    typing_notice: TypingNotice
    def __init__(self, request_id: _Optional[int] = ..., hello: _Optional[_Union[Hello, _Mapping]] = ..., welcome: _Optional[_Union[Welcome, _Mapping]] = ..., error: _Optional[_Union[Error, _Mapping]] = ..., ping: _Optional[_Union[Ping, _Mapping]] = ..., pong: _Optional[_Union[Pong, _Mapping]] = ..., open_direct: _Optional[_Union[OpenDirect, _Mapping]] = ..., direct_opened: _Optional[_Union[DirectOpened, _Mapping]] = ..., send_message: _Optional[_Union[SendMessage, _Mapping]] = ..., accepted: _Optional[_Union[Accepted, _Mapping]] = ..., sync: _Optional[_Union[Sync, _Mapping]] = ..., sync_result: _Optional[_Union[SyncResult, _Mapping]] = ..., history: _Optional[_Union[History, _Mapping]] = ..., history_result: _Optional[_Union[HistoryResult, _Mapping]] = ..., get_users: _Optional[_Union[GetUsers, _Mapping]] = ..., users: _Optional[_Union[Users, _Mapping]] = ..., get_profile: _Optional[_Union[GetProfile, _Mapping]] = ..., profile: _Optional[_Union[Profile, _Mapping]] = ..., set_profile: _Optional[_Union[SetProfile, _Mapping]] = ..., search_people: _Optional[_Union[SearchPeople, _Mapping]] = ..., people: _Optional[_Union[People, _Mapping]] = ..., request_contact: _Optional[_Union[RequestContact, _Mapping]] = ..., answer_contact: _Optional[_Union[AnswerContact, _Mapping]] = ..., contact_change: _Optional[_Union[ContactChange, _Mapping]] = ..., list_contact_requests: _Optional[_Union[ListContactRequests, _Mapping]] = ..., contact_requests: _Optional[_Union[ContactRequests, _Mapping]] = ..., list_contacts: _Optional[_Union[ListContacts, _Mapping]] = ..., contacts: _Optional[_Union[Contacts, _Mapping]] = ..., set_contact: _Optional[_Union[SetContact, _Mapping]] = ..., remove_contact: _Optional[_Union[RemoveContact, _Mapping]] = ..., set_blocked: _Optional[_Union[SetBlocked, _Mapping]] = ..., watch_people: _Optional[_Union[WatchPeople, _Mapping]] = ..., watched_people: _Optional[_Union[WatchedPeople, _Mapping]] = ..., set_presence: _Optional[_Union[SetPresence, _Mapping]] = ..., list_sessions: _Optional[_Union[ListSessions, _Mapping]] = ..., session_list: _Optional[_Union[SessionList, _Mapping]] = ..., end_sessions: _Optional[_Union[EndSessions, _Mapping]] = ..., list_conversations: _Optional[_Union[ListConversations, _Mapping]] = ..., conversations: _Optional[_Union[Conversations, _Mapping]] = ..., set_conversation: _Optional[_Union[SetConversation, _Mapping]] = ..., mark_read: _Optional[_Union[MarkRead, _Mapping]] = ..., mark_delivered: _Optional[_Union[MarkDelivered, _Mapping]] = ..., get_receipts: _Optional[_Union[GetReceipts, _Mapping]] = ..., receipts: _Optional[_Union[Receipts, _Mapping]] = ..., delete_messages: _Optional[_Union[DeleteMessages, _Mapping]] = ..., recall_message: _Optional[_Union[RecallMessage, _Mapping]] = ..., edit_message: _Optional[_Union[EditMessage, _Mapping]] = ..., react: _Optional[_Union[React, _Mapping]] = ..., typing: _Optional[_Union[Typing, _Mapping]] = ..., done: _Optional[_Union[Done, _Mapping]] = ..., event: _Optional[_Union[Event, _Mapping]] = ..., stream_at: _Optional[_Union[StreamAt, _Mapping]] = ..., goodbye: _Optional[_Union[Goodbye, _Mapping]] = ..., move: _Optional[_Union[Move, _Mapping]] = ..., person_changed: _Optional[_Union[PersonChanged, _Mapping]] = ..., receipt: _Optional[_Union[Receipt, _Mapping]] = ..., typing_notice: _Optional[_Union[TypingNotice, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("seq", "created_ms", "resent", "ordinal")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    RESENT_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    seq: int
    created_ms: int
    resent: bool
    ordinal: int
    def __init__(self, seq: _Optional[int] = ..., created_ms: _Optional[int] = ..., resent: _Optional[bool] = ..., ordinal: _Optional[int] = ...) -> None: ...

class Content(_message.Message):
    __slots__ = ("text", "sticker", "picture", "file", "card", "location", "custom", "recalled", "edited", "reacted", "conversation_added", "sessions_ended", "contact_request", "contact", "conversation_state", "read_position", "messages_deleted", "profile", "system_line", "reply_to", "mentions", "forwarded")
    TEXT_FIELD_NUMBER: _ClassVar[int]
    STICKER_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    FILE_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    LOCATION_FIELD_NUMBER: _ClassVar[int]
    CUSTOM_FIELD_NUMBER: _ClassVar[int]
    RECALLED_FIELD_NUMBER: _ClassVar[int]
    EDITED_FIELD_NUMBER: _ClassVar[int]
    REACTED_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_ADDED_FIELD_NUMBER: _ClassVar[int]
    SESSIONS_ENDED_FIELD_NUMBER: _ClassVar[int]
    CONTACT_REQUEST_FIELD_NUMBER: _ClassVar[int]
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    CONVERSATION_STATE_FIELD_NUMBER: _ClassVar[int]
    READ_POSITION_FIELD_NUMBER: _ClassVar[int]
    MESSAGES_DELETED_FIELD_NUMBER: _ClassVar[int]
    PROFILE_FIELD_NUMBER: _ClassVar[int]
    SYSTEM_LINE_FIELD_NUMBER: _ClassVar[int]
    REPLY_TO_FIELD_NUMBER: _ClassVar[int]
    MENTIONS_FIELD_NUMBER: _ClassVar[int]
    FORWARDED_FIELD_NUMBER: _ClassVar[int]
    text: Text
    sticker: Sticker
    picture: Picture
    file: File
    card: Card
    location: Location
    custom: Custom
    recalled: Recalled
    edited: Edited
    reacted: Reacted
    conversation_added: ConversationAdded
    sessions_ended: SessionsEnded
    contact_request: ContactRequest
    contact: Contact
    conversation_state: ConversationState
    read_position: ReadPosition
    messages_deleted: MessagesDeleted
    profile: Profile
    system_line: SystemLine
    reply_to: int
    mentions: _containers.RepeatedScalarFieldContainer[int]
    forwarded: bool
    def __init__(self, text: _Optional[_Union[Text, _Mapping]] = ..., sticker: _Optional[_Union[Sticker, _Mapping]] = ..., picture: _Optional[_Union[Picture, _Mapping]] = ..., file: _Optional[_Union[File, _Mapping]] = ..., card: _Optional[_Union[Card, _Mapping]] = ..., location: _Optional[_Union[Location, _Mapping]] = ..., custom: _Optional[_Union[Custom, _Mapping]] = ..., recalled: _Optional[_Union[Recalled, _Mapping]] = ..., edited: _Optional[_Union[Edited, _Mapping]] = ..., reacted: _Optional[_Union[Reacted, _Mapping]] = ..., conversation_added: _Optional[_Union[ConversationAdded, _Mapping]] = ..., sessions_ended: _Optional[_Union[SessionsEnded, _Mapping]] = ..., contact_request: _Optional[_Union[ContactRequest, _Mapping]] = ..., contact: _Optional[_Union[Contact, _Mapping]] = ..., conversation_state: _Optional[_Union[ConversationState, _Mapping]] = ..., read_position: _Optional[_Union[ReadPosition, _Mapping]] = ..., messages_deleted: _Optional[_Union[MessagesDeleted, _Mapping]] = ..., profile: _Optional[_Union[Profile, _Mapping]] = ..., system_line: _Optional[_Union[SystemLine, _Mapping]] = ..., reply_to: _Optional[int] = ..., mentions: _Optional[_Iterable[int]] = ..., forwarded: _Optional[bool] = ...) -> None: ...

class Text(_message.Message):
    __slots__ = ("text",)
    TEXT_FIELD_NUMBER: _ClassVar[int]
    text: str
    def __init__(self, text: _Optional[str] = ...) -> None: ...

class Sticker(_message.Message):
    __slots__ = ("emoji", "reference")
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    emoji: str
    reference: str
    def __init__(self, emoji: _Optional[str] = ..., reference: _Optional[str] = ...) -> None: ...

class Picture(_message.Message):
    __slots__ = ("reference", "media_type", "size", "width", "height", "name")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    reference: str
    media_type: str
    size: int
    width: int
    height: int
    name: str
    def __init__(self, reference: _Optional[str] = ..., media_type: _Optional[str] = ..., size: _Optional[int] = ..., width: _Optional[int] = ..., height: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class File(_message.Message):
    __slots__ = ("reference", "media_type", "size", "name")
    REFERENCE_FIELD_NUMBER: _ClassVar[int]
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    SIZE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    reference: str
    media_type: str
    size: int
    name: str
    def __init__(self, reference: _Optional[str] = ..., media_type: _Optional[str] = ..., size: _Optional[int] = ..., name: _Optional[str] = ...) -> None: ...

class Card(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    def __init__(self, user_id: _Optional[int] = ...) -> None: ...

class Location(_message.Message):
    __slots__ = ("latitude", "longitude", "name", "address")
    LATITUDE_FIELD_NUMBER: _ClassVar[int]
    LONGITUDE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    latitude: float
    longitude: float
    name: str
    address: str
    def __init__(self, latitude: _Optional[float] = ..., longitude: _Optional[float] = ..., name: _Optional[str] = ..., address: _Optional[str] = ...) -> None: ...

class Custom(_message.Message):
    __slots__ = ("media_type", "data")
    MEDIA_TYPE_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    media_type: str
    data: bytes
    def __init__(self, media_type: _Optional[str] = ..., data: _Optional[bytes] = ...) -> None: ...

class Recalled(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class Edited(_message.Message):
    __slots__ = ("seq",)
    SEQ_FIELD_NUMBER: _ClassVar[int]
    seq: int
    def __init__(self, seq: _Optional[int] = ...) -> None: ...

class Reacted(_message.Message):
    __slots__ = ("seq", "emoji", "removed")
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    REMOVED_FIELD_NUMBER: _ClassVar[int]
    seq: int
    emoji: str
    removed: bool
    def __init__(self, seq: _Optional[int] = ..., emoji: _Optional[str] = ..., removed: _Optional[bool] = ...) -> None: ...

class SystemLine(_message.Message):
    __slots__ = ("code", "user_ids", "parameters")
    class ParametersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    USER_IDS_FIELD_NUMBER: _ClassVar[int]
    PARAMETERS_FIELD_NUMBER: _ClassVar[int]
    code: str
    user_ids: _containers.RepeatedScalarFieldContainer[int]
    parameters: _containers.ScalarMap[str, str]
    def __init__(self, code: _Optional[str] = ..., user_ids: _Optional[_Iterable[int]] = ..., parameters: _Optional[_Mapping[str, str]] = ...) -> None: ...

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
    __slots__ = ("stream_id", "seq", "sender_id", "client_id", "content", "ordinal", "created_ms", "changed_seq", "state", "reactions", "quote", "target")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    SENDER_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_SEQ_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REACTIONS_FIELD_NUMBER: _ClassVar[int]
    QUOTE_FIELD_NUMBER: _ClassVar[int]
    TARGET_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    seq: int
    sender_id: int
    client_id: bytes
    content: Content
    ordinal: int
    created_ms: int
    changed_seq: int
    state: MessageState
    reactions: _containers.RepeatedCompositeFieldContainer[Reaction]
    quote: Event
    target: Event
    def __init__(self, stream_id: _Optional[int] = ..., seq: _Optional[int] = ..., sender_id: _Optional[int] = ..., client_id: _Optional[bytes] = ..., content: _Optional[_Union[Content, _Mapping]] = ..., ordinal: _Optional[int] = ..., created_ms: _Optional[int] = ..., changed_seq: _Optional[int] = ..., state: _Optional[_Union[MessageState, str]] = ..., reactions: _Optional[_Iterable[_Union[Reaction, _Mapping]]] = ..., quote: _Optional[_Union[Event, _Mapping]] = ..., target: _Optional[_Union[Event, _Mapping]] = ...) -> None: ...

class Reaction(_message.Message):
    __slots__ = ("emoji", "count", "own")
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    OWN_FIELD_NUMBER: _ClassVar[int]
    emoji: str
    count: int
    own: bool
    def __init__(self, emoji: _Optional[str] = ..., count: _Optional[int] = ..., own: _Optional[bool] = ...) -> None: ...

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
    __slots__ = ("stream_id", "after", "before", "until", "limit", "since_ms", "before_ms")
    STREAM_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    BEFORE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    BEFORE_MS_FIELD_NUMBER: _ClassVar[int]
    stream_id: int
    after: int
    before: int
    until: int
    limit: int
    since_ms: int
    before_ms: int
    def __init__(self, stream_id: _Optional[int] = ..., after: _Optional[int] = ..., before: _Optional[int] = ..., until: _Optional[int] = ..., limit: _Optional[int] = ..., since_ms: _Optional[int] = ..., before_ms: _Optional[int] = ...) -> None: ...

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
    __slots__ = ("user_id", "name", "nickname", "signature", "gender", "region", "avatar", "deleted")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NICKNAME_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    GENDER_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    DELETED_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    name: str
    nickname: str
    signature: str
    gender: Gender
    region: str
    avatar: str
    deleted: bool
    def __init__(self, user_id: _Optional[int] = ..., name: _Optional[str] = ..., nickname: _Optional[str] = ..., signature: _Optional[str] = ..., gender: _Optional[_Union[Gender, str]] = ..., region: _Optional[str] = ..., avatar: _Optional[str] = ..., deleted: _Optional[bool] = ...) -> None: ...

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

class GetProfile(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class Profile(_message.Message):
    __slots__ = ("card", "email", "settings")
    CARD_FIELD_NUMBER: _ClassVar[int]
    EMAIL_FIELD_NUMBER: _ClassVar[int]
    SETTINGS_FIELD_NUMBER: _ClassVar[int]
    card: UserCard
    email: str
    settings: Settings
    def __init__(self, card: _Optional[_Union[UserCard, _Mapping]] = ..., email: _Optional[str] = ..., settings: _Optional[_Union[Settings, _Mapping]] = ...) -> None: ...

class Settings(_message.Message):
    __slots__ = ("hidden_from_search", "presence_hidden", "receipts_off")
    HIDDEN_FROM_SEARCH_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_HIDDEN_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_OFF_FIELD_NUMBER: _ClassVar[int]
    hidden_from_search: bool
    presence_hidden: bool
    receipts_off: bool
    def __init__(self, hidden_from_search: _Optional[bool] = ..., presence_hidden: _Optional[bool] = ..., receipts_off: _Optional[bool] = ...) -> None: ...

class SetProfile(_message.Message):
    __slots__ = ("nickname", "signature", "gender", "region", "avatar", "hidden_from_search", "presence_hidden", "receipts_off")
    NICKNAME_FIELD_NUMBER: _ClassVar[int]
    SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    GENDER_FIELD_NUMBER: _ClassVar[int]
    REGION_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FROM_SEARCH_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_HIDDEN_FIELD_NUMBER: _ClassVar[int]
    RECEIPTS_OFF_FIELD_NUMBER: _ClassVar[int]
    nickname: str
    signature: str
    gender: Gender
    region: str
    avatar: str
    hidden_from_search: bool
    presence_hidden: bool
    receipts_off: bool
    def __init__(self, nickname: _Optional[str] = ..., signature: _Optional[str] = ..., gender: _Optional[_Union[Gender, str]] = ..., region: _Optional[str] = ..., avatar: _Optional[str] = ..., hidden_from_search: _Optional[bool] = ..., presence_hidden: _Optional[bool] = ..., receipts_off: _Optional[bool] = ...) -> None: ...

class SearchPeople(_message.Message):
    __slots__ = ("query", "cursor", "limit")
    QUERY_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    query: str
    cursor: bytes
    limit: int
    def __init__(self, query: _Optional[str] = ..., cursor: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class People(_message.Message):
    __slots__ = ("users", "next_cursor")
    USERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    users: _containers.RepeatedCompositeFieldContainer[UserCard]
    next_cursor: bytes
    def __init__(self, users: _Optional[_Iterable[_Union[UserCard, _Mapping]]] = ..., next_cursor: _Optional[bytes] = ...) -> None: ...

class RequestContact(_message.Message):
    __slots__ = ("user_id", "greeting", "remark")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    GREETING_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    greeting: str
    remark: str
    def __init__(self, user_id: _Optional[int] = ..., greeting: _Optional[str] = ..., remark: _Optional[str] = ...) -> None: ...

class AnswerContact(_message.Message):
    __slots__ = ("user_id", "answer", "remark")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ANSWER_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    answer: ContactAnswer
    remark: str
    def __init__(self, user_id: _Optional[int] = ..., answer: _Optional[_Union[ContactAnswer, str]] = ..., remark: _Optional[str] = ...) -> None: ...

class ContactChange(_message.Message):
    __slots__ = ("contact", "requests")
    CONTACT_FIELD_NUMBER: _ClassVar[int]
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    contact: Contact
    requests: _containers.RepeatedCompositeFieldContainer[ContactRequest]
    def __init__(self, contact: _Optional[_Union[Contact, _Mapping]] = ..., requests: _Optional[_Iterable[_Union[ContactRequest, _Mapping]]] = ...) -> None: ...

class ContactRequest(_message.Message):
    __slots__ = ("user_id", "incoming", "greeting", "remark", "state", "created_ms", "changed_ms", "card")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    INCOMING_FIELD_NUMBER: _ClassVar[int]
    GREETING_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    CHANGED_MS_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    incoming: bool
    greeting: str
    remark: str
    state: ContactRequestState
    created_ms: int
    changed_ms: int
    card: UserCard
    def __init__(self, user_id: _Optional[int] = ..., incoming: _Optional[bool] = ..., greeting: _Optional[str] = ..., remark: _Optional[str] = ..., state: _Optional[_Union[ContactRequestState, str]] = ..., created_ms: _Optional[int] = ..., changed_ms: _Optional[int] = ..., card: _Optional[_Union[UserCard, _Mapping]] = ...) -> None: ...

class ListContactRequests(_message.Message):
    __slots__ = ("incoming", "all", "cursor", "limit")
    INCOMING_FIELD_NUMBER: _ClassVar[int]
    ALL_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    incoming: bool
    all: bool
    cursor: bytes
    limit: int
    def __init__(self, incoming: _Optional[bool] = ..., all: _Optional[bool] = ..., cursor: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class ContactRequests(_message.Message):
    __slots__ = ("requests", "next_cursor")
    REQUESTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    requests: _containers.RepeatedCompositeFieldContainer[ContactRequest]
    next_cursor: bytes
    def __init__(self, requests: _Optional[_Iterable[_Union[ContactRequest, _Mapping]]] = ..., next_cursor: _Optional[bytes] = ...) -> None: ...

class Contact(_message.Message):
    __slots__ = ("user_id", "is_contact", "blocked", "remark", "labels", "starred", "since_ms", "card")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    IS_CONTACT_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STARRED_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    is_contact: bool
    blocked: bool
    remark: str
    labels: _containers.RepeatedScalarFieldContainer[str]
    starred: bool
    since_ms: int
    card: UserCard
    def __init__(self, user_id: _Optional[int] = ..., is_contact: _Optional[bool] = ..., blocked: _Optional[bool] = ..., remark: _Optional[str] = ..., labels: _Optional[_Iterable[str]] = ..., starred: _Optional[bool] = ..., since_ms: _Optional[int] = ..., card: _Optional[_Union[UserCard, _Mapping]] = ...) -> None: ...

class ListContacts(_message.Message):
    __slots__ = ("blocked", "cursor", "limit")
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    blocked: bool
    cursor: bytes
    limit: int
    def __init__(self, blocked: _Optional[bool] = ..., cursor: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class Contacts(_message.Message):
    __slots__ = ("contacts", "next_cursor")
    CONTACTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    contacts: _containers.RepeatedCompositeFieldContainer[Contact]
    next_cursor: bytes
    def __init__(self, contacts: _Optional[_Iterable[_Union[Contact, _Mapping]]] = ..., next_cursor: _Optional[bytes] = ...) -> None: ...

class SetContact(_message.Message):
    __slots__ = ("user_id", "remark", "labels", "starred")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    REMARK_FIELD_NUMBER: _ClassVar[int]
    LABELS_FIELD_NUMBER: _ClassVar[int]
    STARRED_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    remark: str
    labels: Labels
    starred: bool
    def __init__(self, user_id: _Optional[int] = ..., remark: _Optional[str] = ..., labels: _Optional[_Union[Labels, _Mapping]] = ..., starred: _Optional[bool] = ...) -> None: ...

class Labels(_message.Message):
    __slots__ = ("labels",)
    LABELS_FIELD_NUMBER: _ClassVar[int]
    labels: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, labels: _Optional[_Iterable[str]] = ...) -> None: ...

class RemoveContact(_message.Message):
    __slots__ = ("user_id",)
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    def __init__(self, user_id: _Optional[int] = ...) -> None: ...

class SetBlocked(_message.Message):
    __slots__ = ("user_id", "blocked")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    BLOCKED_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    blocked: bool
    def __init__(self, user_id: _Optional[int] = ..., blocked: _Optional[bool] = ...) -> None: ...

class WatchPeople(_message.Message):
    __slots__ = ("add", "remove")
    ADD_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    add: _containers.RepeatedScalarFieldContainer[int]
    remove: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, add: _Optional[_Iterable[int]] = ..., remove: _Optional[_Iterable[int]] = ...) -> None: ...

class WatchedPeople(_message.Message):
    __slots__ = ("people",)
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    people: _containers.RepeatedCompositeFieldContainer[PersonChanged]
    def __init__(self, people: _Optional[_Iterable[_Union[PersonChanged, _Mapping]]] = ...) -> None: ...

class PersonChanged(_message.Message):
    __slots__ = ("user_id", "card", "presence")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    CARD_FIELD_NUMBER: _ClassVar[int]
    PRESENCE_FIELD_NUMBER: _ClassVar[int]
    user_id: int
    card: UserCard
    presence: Presence
    def __init__(self, user_id: _Optional[int] = ..., card: _Optional[_Union[UserCard, _Mapping]] = ..., presence: _Optional[_Union[Presence, _Mapping]] = ...) -> None: ...

class Presence(_message.Message):
    __slots__ = ("state", "platforms", "last_seen_ms")
    STATE_FIELD_NUMBER: _ClassVar[int]
    PLATFORMS_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_MS_FIELD_NUMBER: _ClassVar[int]
    state: PresenceState
    platforms: _containers.RepeatedScalarFieldContainer[str]
    last_seen_ms: int
    def __init__(self, state: _Optional[_Union[PresenceState, str]] = ..., platforms: _Optional[_Iterable[str]] = ..., last_seen_ms: _Optional[int] = ...) -> None: ...

class SetPresence(_message.Message):
    __slots__ = ("state",)
    STATE_FIELD_NUMBER: _ClassVar[int]
    state: PresenceState
    def __init__(self, state: _Optional[_Union[PresenceState, str]] = ...) -> None: ...

class ListSessions(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SessionList(_message.Message):
    __slots__ = ("sessions",)
    SESSIONS_FIELD_NUMBER: _ClassVar[int]
    sessions: _containers.RepeatedCompositeFieldContainer[SessionInfo]
    def __init__(self, sessions: _Optional[_Iterable[_Union[SessionInfo, _Mapping]]] = ...) -> None: ...

class SessionInfo(_message.Message):
    __slots__ = ("device_id", "device_name", "platform", "created_ms", "last_used_ms", "address", "current")
    DEVICE_ID_FIELD_NUMBER: _ClassVar[int]
    DEVICE_NAME_FIELD_NUMBER: _ClassVar[int]
    PLATFORM_FIELD_NUMBER: _ClassVar[int]
    CREATED_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_USED_MS_FIELD_NUMBER: _ClassVar[int]
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    CURRENT_FIELD_NUMBER: _ClassVar[int]
    device_id: str
    device_name: str
    platform: str
    created_ms: int
    last_used_ms: int
    address: str
    current: bool
    def __init__(self, device_id: _Optional[str] = ..., device_name: _Optional[str] = ..., platform: _Optional[str] = ..., created_ms: _Optional[int] = ..., last_used_ms: _Optional[int] = ..., address: _Optional[str] = ..., current: _Optional[bool] = ...) -> None: ...

class EndSessions(_message.Message):
    __slots__ = ("device_ids", "all_others")
    DEVICE_IDS_FIELD_NUMBER: _ClassVar[int]
    ALL_OTHERS_FIELD_NUMBER: _ClassVar[int]
    device_ids: _containers.RepeatedScalarFieldContainer[str]
    all_others: bool
    def __init__(self, device_ids: _Optional[_Iterable[str]] = ..., all_others: _Optional[bool] = ...) -> None: ...

class ListConversations(_message.Message):
    __slots__ = ("conversation_ids", "pinned", "hidden", "cursor", "limit")
    CONVERSATION_IDS_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    CURSOR_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    conversation_ids: _containers.RepeatedScalarFieldContainer[int]
    pinned: bool
    hidden: bool
    cursor: bytes
    limit: int
    def __init__(self, conversation_ids: _Optional[_Iterable[int]] = ..., pinned: _Optional[bool] = ..., hidden: _Optional[bool] = ..., cursor: _Optional[bytes] = ..., limit: _Optional[int] = ...) -> None: ...

class Conversations(_message.Message):
    __slots__ = ("conversations", "next_cursor")
    CONVERSATIONS_FIELD_NUMBER: _ClassVar[int]
    NEXT_CURSOR_FIELD_NUMBER: _ClassVar[int]
    conversations: _containers.RepeatedCompositeFieldContainer[Conversation]
    next_cursor: bytes
    def __init__(self, conversations: _Optional[_Iterable[_Union[Conversation, _Mapping]]] = ..., next_cursor: _Optional[bytes] = ...) -> None: ...

class Conversation(_message.Message):
    __slots__ = ("conversation_id", "kind", "member_ids", "title", "avatar", "newest", "last_seq", "last_message_seq", "last_ms", "unread", "mentioned", "state", "counted", "mention_seq")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    MEMBER_IDS_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    AVATAR_FIELD_NUMBER: _ClassVar[int]
    NEWEST_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_MESSAGE_SEQ_FIELD_NUMBER: _ClassVar[int]
    LAST_MS_FIELD_NUMBER: _ClassVar[int]
    UNREAD_FIELD_NUMBER: _ClassVar[int]
    MENTIONED_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    COUNTED_FIELD_NUMBER: _ClassVar[int]
    MENTION_SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    kind: ConversationKind
    member_ids: _containers.RepeatedScalarFieldContainer[int]
    title: str
    avatar: str
    newest: Event
    last_seq: int
    last_message_seq: int
    last_ms: int
    unread: int
    mentioned: bool
    state: ConversationState
    counted: int
    mention_seq: int
    def __init__(self, conversation_id: _Optional[int] = ..., kind: _Optional[_Union[ConversationKind, str]] = ..., member_ids: _Optional[_Iterable[int]] = ..., title: _Optional[str] = ..., avatar: _Optional[str] = ..., newest: _Optional[_Union[Event, _Mapping]] = ..., last_seq: _Optional[int] = ..., last_message_seq: _Optional[int] = ..., last_ms: _Optional[int] = ..., unread: _Optional[int] = ..., mentioned: _Optional[bool] = ..., state: _Optional[_Union[ConversationState, _Mapping]] = ..., counted: _Optional[int] = ..., mention_seq: _Optional[int] = ...) -> None: ...

class ConversationState(_message.Message):
    __slots__ = ("conversation_id", "pinned_ms", "muted", "hidden_seq", "cleared_seq", "read_seq")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    PINNED_MS_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_SEQ_FIELD_NUMBER: _ClassVar[int]
    CLEARED_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    pinned_ms: int
    muted: bool
    hidden_seq: int
    cleared_seq: int
    read_seq: int
    def __init__(self, conversation_id: _Optional[int] = ..., pinned_ms: _Optional[int] = ..., muted: _Optional[bool] = ..., hidden_seq: _Optional[int] = ..., cleared_seq: _Optional[int] = ..., read_seq: _Optional[int] = ...) -> None: ...

class SetConversation(_message.Message):
    __slots__ = ("conversation_id", "pinned", "muted", "hidden")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    MUTED_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    pinned: bool
    muted: bool
    hidden: bool
    def __init__(self, conversation_id: _Optional[int] = ..., pinned: _Optional[bool] = ..., muted: _Optional[bool] = ..., hidden: _Optional[bool] = ...) -> None: ...

class ReadPosition(_message.Message):
    __slots__ = ("conversation_id", "seq", "ordinal")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    ORDINAL_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    seq: int
    ordinal: int
    def __init__(self, conversation_id: _Optional[int] = ..., seq: _Optional[int] = ..., ordinal: _Optional[int] = ...) -> None: ...

class MarkRead(_message.Message):
    __slots__ = ("conversation_id", "seq")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    seq: int
    def __init__(self, conversation_id: _Optional[int] = ..., seq: _Optional[int] = ...) -> None: ...

class MarkDelivered(_message.Message):
    __slots__ = ("positions",)
    POSITIONS_FIELD_NUMBER: _ClassVar[int]
    positions: _containers.RepeatedCompositeFieldContainer[Position]
    def __init__(self, positions: _Optional[_Iterable[_Union[Position, _Mapping]]] = ...) -> None: ...

class GetReceipts(_message.Message):
    __slots__ = ("conversation_id",)
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    def __init__(self, conversation_id: _Optional[int] = ...) -> None: ...

class Receipts(_message.Message):
    __slots__ = ("receipts",)
    RECEIPTS_FIELD_NUMBER: _ClassVar[int]
    receipts: _containers.RepeatedCompositeFieldContainer[Receipt]
    def __init__(self, receipts: _Optional[_Iterable[_Union[Receipt, _Mapping]]] = ...) -> None: ...

class Receipt(_message.Message):
    __slots__ = ("conversation_id", "user_id", "delivered_seq", "read_seq")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    DELIVERED_SEQ_FIELD_NUMBER: _ClassVar[int]
    READ_SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    user_id: int
    delivered_seq: int
    read_seq: int
    def __init__(self, conversation_id: _Optional[int] = ..., user_id: _Optional[int] = ..., delivered_seq: _Optional[int] = ..., read_seq: _Optional[int] = ...) -> None: ...

class DeleteMessages(_message.Message):
    __slots__ = ("conversation_id", "seqs", "through_seq")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQS_FIELD_NUMBER: _ClassVar[int]
    THROUGH_SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    seqs: _containers.RepeatedScalarFieldContainer[int]
    through_seq: int
    def __init__(self, conversation_id: _Optional[int] = ..., seqs: _Optional[_Iterable[int]] = ..., through_seq: _Optional[int] = ...) -> None: ...

class MessagesDeleted(_message.Message):
    __slots__ = ("conversation_id", "seqs", "through_seq")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    SEQS_FIELD_NUMBER: _ClassVar[int]
    THROUGH_SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    seqs: _containers.RepeatedScalarFieldContainer[int]
    through_seq: int
    def __init__(self, conversation_id: _Optional[int] = ..., seqs: _Optional[_Iterable[int]] = ..., through_seq: _Optional[int] = ...) -> None: ...

class RecallMessage(_message.Message):
    __slots__ = ("conversation_id", "client_id", "seq")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    client_id: bytes
    seq: int
    def __init__(self, conversation_id: _Optional[int] = ..., client_id: _Optional[bytes] = ..., seq: _Optional[int] = ...) -> None: ...

class EditMessage(_message.Message):
    __slots__ = ("conversation_id", "client_id", "seq", "content")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    CONTENT_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    client_id: bytes
    seq: int
    content: Content
    def __init__(self, conversation_id: _Optional[int] = ..., client_id: _Optional[bytes] = ..., seq: _Optional[int] = ..., content: _Optional[_Union[Content, _Mapping]] = ...) -> None: ...

class React(_message.Message):
    __slots__ = ("conversation_id", "client_id", "seq", "emoji", "remove")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    SEQ_FIELD_NUMBER: _ClassVar[int]
    EMOJI_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    client_id: bytes
    seq: int
    emoji: str
    remove: bool
    def __init__(self, conversation_id: _Optional[int] = ..., client_id: _Optional[bytes] = ..., seq: _Optional[int] = ..., emoji: _Optional[str] = ..., remove: _Optional[bool] = ...) -> None: ...

class Typing(_message.Message):
    __slots__ = ("conversation_id",)
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    def __init__(self, conversation_id: _Optional[int] = ...) -> None: ...

class TypingNotice(_message.Message):
    __slots__ = ("conversation_id", "user_id")
    CONVERSATION_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    conversation_id: int
    user_id: int
    def __init__(self, conversation_id: _Optional[int] = ..., user_id: _Optional[int] = ...) -> None: ...

class Done(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
