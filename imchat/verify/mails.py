"""What the mails say, in English and Chinese, as text and as HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header

from imchat.ports import Mail, MailKind, Purpose
from imchat.verify.logic import Order

LANGUAGES = ("en", "zh")
"""The first one serves those who speak none of them."""

_MAX_HEADER = 512


@dataclass(frozen=True, slots=True)
class _Letter:
    """Paragraphs before and after the code; ``{lifetime}`` stands for how long it is valid."""

    subject: str
    before: tuple[str, ...]
    after: tuple[str, ...]


_EN_RULES = (
    "The code is valid for {lifetime} and can be used once. Keep it to yourself: nobody who runs this service will ever"
    " ask you for it."
)
_ZH_RULES = "验证码在 {lifetime}内有效，只能使用一次。请勿告诉任何人，本服务的工作人员绝不会向您索要验证码。"

_LETTERS: dict[tuple[str, MailKind, Purpose], _Letter] = {
    ("en", MailKind.CODE, Purpose.REGISTRATION): _Letter(
        "Your imchat verification code",
        ("Somebody, probably you, is creating an imchat account with this e-mail address. The verification code is:",),
        (_EN_RULES, "If it was not you, you need not do anything: without the code no account is created."),
    ),
    ("en", MailKind.CODE, Purpose.PASSWORD_RESET): _Letter(
        "Your imchat password reset code",
        (
            "Somebody, probably you, wants to set a new password for the imchat account with this e-mail address. The"
            " verification code is:",
        ),
        (
            _EN_RULES,
            "If it was not you, you need not do anything: without the code your password stays as it is.",
        ),
    ),
    ("en", MailKind.ALREADY_REGISTERED, Purpose.REGISTRATION): _Letter(
        "You already have an imchat account",
        (
            "Somebody, probably you, wants to create an imchat account with this e-mail address. It has one already,"
            " so no verification code was made.",
        ),
        (
            "Log in with that account. If you have forgotten its password, ask for a password reset there.",
            "If it was not you, you need not do anything: nothing has changed.",
        ),
    ),
    ("en", MailKind.NO_ACCOUNT, Purpose.PASSWORD_RESET): _Letter(
        "No imchat account with this address",
        (
            "Somebody, probably you, wants to reset the password of an imchat account with this e-mail address. There"
            " is no such account, so no verification code was made.",
        ),
        (
            "If you registered with another address, ask for the password reset with that one.",
            "If it was not you, you need not do anything: nothing has changed.",
        ),
    ),
    ("zh", MailKind.CODE, Purpose.REGISTRATION): _Letter(
        "您的 imchat 验证码",
        ("有人（应该是您本人）正在用这个邮箱注册 imchat 帐号。验证码是：",),
        (_ZH_RULES, "如果不是您本人操作，请忽略此邮件：没有验证码就无法注册帐号。"),
    ),
    ("zh", MailKind.CODE, Purpose.PASSWORD_RESET): _Letter(
        "您的 imchat 密码重置验证码",
        ("有人（应该是您本人）要为这个邮箱的 imchat 帐号设置新密码。验证码是：",),
        (_ZH_RULES, "如果不是您本人操作，请忽略此邮件：没有验证码，您的密码不会改变。"),
    ),
    ("zh", MailKind.ALREADY_REGISTERED, Purpose.REGISTRATION): _Letter(
        "您已经有 imchat 帐号",
        ("有人（应该是您本人）想用这个邮箱注册 imchat 帐号。这个邮箱已经注册过，因此没有生成验证码。",),
        ("请直接登录该帐号。如果忘记了密码，请使用密码重置。", "如果不是您本人操作，请忽略此邮件：一切照旧。"),
    ),
    ("zh", MailKind.NO_ACCOUNT, Purpose.PASSWORD_RESET): _Letter(
        "这个邮箱没有 imchat 帐号",
        ("有人（应该是您本人）想重置这个邮箱的 imchat 帐号的密码。这个邮箱没有注册过帐号，因此没有生成验证码。",),
        ("如果您是用其他邮箱注册的，请用那个邮箱重置密码。", "如果不是您本人操作，请忽略此邮件：一切照旧。"),
    ),
}

_PAGE = """\
<!DOCTYPE html>
<html lang="{language}">
<head><meta charset="utf-8"><title>{subject}</title></head>
<body style="margin:0;padding:24px;background:#f4f5f7;font-family:sans-serif;font-size:16px;color:#1f2328">
<div style="max-width:480px;margin:0 auto;padding:24px;background:#ffffff;border-radius:8px;line-height:1.5">
{body}
</div>
</body>
</html>
"""
_CODE = (
    '<p style="margin:24px 0;padding:16px;background:#f4f5f7;border-radius:8px;text-align:center;font-size:32px;'
    'font-weight:bold;font-family:monospace;letter-spacing:6px">{code}</p>'
)


def pick_language(header: str) -> str:
    """Return the one of :data:`LANGUAGES` that an ``Accept-Language`` header likes best.

    A header that is none, or names only other languages, gives the first of them.
    """
    accepted = parse_accept_header(header[:_MAX_HEADER], LanguageAccept)
    refused = {_primary(tag) for tag, quality in accepted if quality <= 0}
    spoken = [language for language in LANGUAGES if language not in refused]
    # Best quality first. LanguageAccept.best_match would prefer "zh;q=0.1" to "en-GB;q=1": only one is an exact match.
    for tag, _ in accepted:
        for language in spoken:
            if tag == "*" or _primary(tag) == language:
                return language
    return LANGUAGES[0]


def _primary(tag: str) -> str:
    return tag.replace("_", "-").partition("-")[0].lower()


def compose(order: Order) -> Mail:
    """Write a mail; text and HTML say the same."""
    language = pick_language(order.language)
    letter = _LETTERS[language, order.kind, order.purpose]
    lifetime = _duration(order.lifetime_ms, language)
    after = tuple(paragraph.format(lifetime=lifetime) for paragraph in letter.after)
    return Mail(
        to=order.address,
        subject=letter.subject,
        text=_as_text(letter.before, order.code, after),
        html=_as_html(language, letter.subject, letter.before, order.code, after),
        language=language,
    )


def _as_text(before: tuple[str, ...], code: str | None, after: tuple[str, ...]) -> str:
    paragraphs = [*before, *([f"    {code}"] if code else []), *after]
    return "\n\n".join(paragraphs) + "\n"


def _as_html(language: str, subject: str, before: tuple[str, ...], code: str | None, after: tuple[str, ...]) -> str:
    parts = [f"<p>{escape(paragraph)}</p>" for paragraph in before]
    if code:
        parts.append(_CODE.format(code=escape(code)))
    parts += [f"<p>{escape(paragraph)}</p>" for paragraph in after]
    return _PAGE.format(language=language, subject=escape(subject), body="\n".join(parts))


def _duration(ms: int, language: str) -> str:
    seconds = max(1, ms // 1000)
    whole_minutes = seconds % 60 == 0
    number = seconds // 60 if whole_minutes else seconds
    if language == "zh":
        return f"{number} {'分钟' if whole_minutes else '秒'}"
    return f"{number} {'minute' if whole_minutes else 'second'}{'' if number == 1 else 's'}"
