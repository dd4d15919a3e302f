"""The rules for what people say of themselves, and for how they are searched."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, fields, replace

from imchat.domain.accounts import MAX_NAME, MAX_NAME_KEY, name_key
from imchat.domain.errors import InvalidRequest
from imchat.domain.models import MAX_ID, UserCard
from imchat.domain.people import Profile, ProfileChange, Settings

MAX_NICKNAME = 32
MAX_SIGNATURE = 100
MAX_REGION = 64
MAX_AVATAR = 255
MAX_GENDER = 3

MIN_PREFIX = 2
"""Shortest beginning of a name that is searched, unless it is written in CJK characters: there one says enough."""

MAX_QUERY = 4 * MAX_NAME
"""Longest query, in characters: a name may be typed in a longer form than it is stored in."""

_AVATAR = re.compile(rf"[!-~]{{0,{MAX_AVATAR}}}")
_DIRECTION = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_CONTROL_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
# Letters that leave no mark on paper, beside what Unicode's categories tell.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_CJK = re.compile(
    "[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
_DIGITS = re.compile(r"[0-9]{1,16}")


def check_text(field: str, text: str, most: int) -> str:
    """Check a line of text that others see: no control characters or line breaks, no changes of writing direction
    (by which a text can pass for another), and something to see unless it is empty.

    Args:
        field: Its name, for the message.
        text: As typed.
        most: Characters, at most.

    Returns:
        The form to store: NFC, without white space around it.

    Raises:
        InvalidRequest: one of the rules is broken; the message says which.
    """
    stored = unicodedata.normalize("NFC", text).strip()
    if len(stored) > most:
        raise InvalidRequest(f"{field} has at most {most} characters")
    # Of the text as it was sent: what stripping takes away may be a line break.
    if any(unicodedata.category(character) in _CONTROL_CATEGORIES for character in text):
        raise InvalidRequest(f"{field} must not contain control characters or line breaks")
    if not _DIRECTION.isdisjoint(stored):
        raise InvalidRequest(f"{field} must not change the direction of writing")
    if text and not any(map(_visible, stored)):
        raise InvalidRequest(f"{field} must have something to see, or be empty")
    return stored


def _visible(character: str) -> bool:
    return unicodedata.category(character)[0] not in "CZM" and character not in _BLANK


def check_change(change: ProfileChange) -> ProfileChange:
    """Check what somebody wants to change of their profile.

    Returns:
        The change in the form to store.

    Raises:
        InvalidRequest: a value breaks a rule; the message says which.
    """
    if change.gender is not None and not 0 <= change.gender <= MAX_GENDER:
        raise InvalidRequest("this gender is not known")
    if change.avatar is not None and not _AVATAR.fullmatch(change.avatar):
        raise InvalidRequest(f"avatar is a reference of at most {MAX_AVATAR} printable ASCII characters, no spaces")
    return replace(
        change,
        nickname=_checked("nickname", change.nickname, MAX_NICKNAME),
        signature=_checked("signature", change.signature, MAX_SIGNATURE),
        region=_checked("region", change.region, MAX_REGION),
    )


def _checked(field: str, text: str | None, most: int) -> str | None:
    return None if text is None else check_text(field, text, most)


def changed(profile: Profile, change: ProfileChange) -> Profile:
    """The profile after a change; an equal one where nothing changes."""
    wanted = {field.name: getattr(change, field.name) for field in fields(change)}
    wanted = {name: value for name, value in wanted.items() if value is not None}
    of_card = {field.name for field in fields(UserCard)}
    of_settings = {field.name for field in fields(Settings)}
    card = replace(profile.card, **{name: value for name, value in wanted.items() if name in of_card})
    settings = replace(profile.settings, **{name: value for name, value in wanted.items() if name in of_settings})
    return replace(profile, card=card, settings=settings)


def nickname_key(nickname: str) -> str:
    """The normalised form in which a nickname is searched, cut where folding makes it longer than any name."""
    return name_key(nickname)[:MAX_NAME_KEY]


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """Whom somebody looks for.

    Attributes:
        user_id: Who has this id; None where what was typed cannot be one.
        prefix: Whose name or nickname begins with this normalised form; None where that would find too many.
    """

    user_id: int | None
    prefix: str | None


def search_query(text: str) -> SearchQuery:
    """What somebody means who typed this.

    An exact name is its own beginning. An address finds nobody: nobody is to be found by it, or to learn whose it is.

    Raises:
        InvalidRequest: too short or too long, an address, or nothing that a name could have.
    """
    typed = text.strip()
    if len(typed) > MAX_QUERY:
        raise InvalidRequest(f"a query has at most {MAX_QUERY} characters")
    if "@" in typed or "@" in name_key(typed):
        raise InvalidRequest("people are found by id, name or nickname, never by address")
    user_id = int(typed) if _DIGITS.fullmatch(typed) else 0
    key = nickname_key(typed)
    prefix = key if len(key) >= MIN_PREFIX or _CJK.match(key) else None
    if prefix is None and not user_id:
        raise InvalidRequest(f"a query has at least {MIN_PREFIX} characters")
    return SearchQuery(user_id if 0 < user_id <= MAX_ID else None, prefix)


@dataclass(frozen=True, slots=True)
class SearchPlace:
    """Where a page of a search ended: among the names or the nicknames, at a normalised form and a user."""

    nicknames: bool
    key: bytes
    user_id: int
