"""The servers that ``twistd`` offers. Strings only: importing this loads no code of imchat."""

from twisted.application.service import ServiceMaker

imchat = ServiceMaker(
    "imchat",
    "imchat.tap",
    "The whole of imchat in one process: gate, verify, status and chat on SQLite.",
    "imchat",
)
gate = ServiceMaker(
    "imchat-gate",
    "imchat.gate.tap",
    "imchat's HTTP API: codes, registration, login, routes.",
    "imchat-gate",
)
verify = ServiceMaker(
    "imchat-verify",
    "imchat.verify.tap",
    "imchat's verification codes: makes, mails and checks them.",
    "imchat-verify",
)
status = ServiceMaker(
    "imchat-status",
    "imchat.status.tap",
    "imchat's directory of chat nodes: placement and session tokens.",
    "imchat-status",
)
chat = ServiceMaker(
    "imchat-chat",
    "imchat.chat.tap",
    "imchat's chat node: long connections, messages, history.",
    "imchat-chat",
)
