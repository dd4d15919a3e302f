"""The rules for what people send: messages of every kind, and emoji."""

from __future__ import annotations

import re
import unicodedata
from typing import Never

from imchat.domain.errors import InvalidRequest, NotFound, TooLarge
from imchat.domain.messages import (
    Act,
    Card,
    Custom,
    Edited,
    File,
    Location,
    Message,
    Picture,
    Reacted,
    Recalled,
    Sticker,
    Text,
)
from imchat.domain.models import MAX_ID

MAX_TEXT = 8_000
"""Longest text of a message, in Unicode code points, as all lengths of texts."""

MAX_EMOJI = 16
MAX_NAME = 255
MAX_ADDRESS = 500
MAX_REFERENCE = 255
MAX_MEDIA_TYPE = 127
MAX_CUSTOM = 32_000
"""Bytes of a custom message: as many as the longest text can have."""
MAX_PIXELS = 1_000_000
MAX_MENTIONS = 50

# Category Cc of Unicode without line feed and tab.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

# In what stands on one line: no control character at all, none that ends a line, and none that turns the direction
# of writing for what follows, so that "photo" + RLO + "gpj.exe" does not look like a picture.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

_REFERENCE = re.compile(r"[!-~]+")
_TOKEN = r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"  # noqa: S105
_MEDIA_TYPE = re.compile(f"{_TOKEN}/{_TOKEN}")

_KEYCAP = re.compile("[0-9#*]\ufe0f?\u20e3")
_JOINERS = re.compile("[\u200d\ufe0e\ufe0f\U000e0020-\U000e007f]")
_SKIN_TONES = range(0x1F3FB, 0x1F400)
# Emoji that Unicode files under other categories than "other symbol".
_ODD_EMOJI = frozenset("\u203c\u2049\u2139\u3030")
_FIRST_SYMBOL = 0xA9
_FIRST_ARROW = 0x2190


def _refuse(message: str) -> Never:
    raise InvalidRequest(message)


def check_sendable(content: object) -> None:
    """Check a message that a person wants to send.

    Raises:
        InvalidRequest: a kind that only the server makes, or a value that breaks the rules of its kind.
        NotFound: no message can have the number of that which is replied to.
    """
    match content:
        case Text():
            _check_text(content.text)
        case Sticker():
            _check_sticker(content)
        case Picture():
            _check_picture(content)
        case File():
            _check_file(content)
        case Card():
            if not 0 < content.user_id <= MAX_ID:
                _refuse("a card shows a person")
        case Location():
            _check_location(content)
        case Custom():
            _check_custom(content)
        case _:
            _refuse("this kind of content is made by the server only")
    _check_common(content)


def check_act(act: Act, replacement: object) -> None:
    """Check what a person wants to do to a message.

    Args:
        act: Recall, edit or reaction.
        replacement: With an edit: what is to stand there.

    Raises:
        InvalidRequest: an edit into something else than a text, or a reaction that is no emoji.
        NotFound: no message can have that number.
    """
    _check_seq(act.seq)
    match act:
        case Edited():
            if not isinstance(replacement, Text):
                _refuse("a message can be edited into a text only")
            check_sendable(replacement)
        case Reacted():
            check_emoji(act.emoji)
        case Recalled():
            pass


def check_emoji(text: str) -> None:
    """Check that a text is made of emoji alone.

    Raises:
        InvalidRequest: it is not.
    """
    if not 1 <= len(text) <= MAX_EMOJI:
        _refuse(f"an emoji has 1 to {MAX_EMOJI} characters")
    rest = _JOINERS.sub("", _KEYCAP.sub("\u00a9", text))
    if not rest or not all(_is_symbol(char) for char in rest):
        _refuse("that is no emoji")


def _is_symbol(char: str) -> bool:
    number, category = ord(char), unicodedata.category(char)
    if category == "So":
        return number >= _FIRST_SYMBOL
    if category == "Sm":
        return number >= _FIRST_ARROW
    # Those that are newer than this Python's tables are not assigned yet.
    return number in _SKIN_TONES or char in _ODD_EMOJI or (category == "Cn" and 0x1F000 <= number <= 0x1FAFF)


def _check_seq(seq: int) -> None:
    if not 0 < seq <= MAX_ID:
        raise NotFound("there is no such message")


def _check_common(message: Message) -> None:
    if message.reply_to:
        _check_seq(message.reply_to)
    if len(message.mentions) > MAX_MENTIONS:
        raise TooLarge(f"at most {MAX_MENTIONS} people can be mentioned at once")


def _check_text(text: str) -> None:
    if not 1 <= len(text) <= MAX_TEXT:
        _refuse(f"a text has 1 to {MAX_TEXT} characters")
    if _CONTROLS.search(text):
        _refuse("a text must not contain control characters")
    if text.isspace():
        _refuse("a text must not be blank")


def _check_line(what: str, text: str, least: int, most: int) -> None:
    if not least <= len(text) <= most:
        _refuse(f"{what} has {least} to {most} characters")
    if _NOT_IN_NAMES.search(text):
        _refuse(f"{what} must not contain control characters or turn the direction of writing")
    if text.isspace():
        _refuse(f"{what} must not be blank")


def _check_reference(reference: str) -> None:
    if len(reference) > MAX_REFERENCE or not _REFERENCE.fullmatch(reference):
        _refuse(f"a reference has 1 to {MAX_REFERENCE} visible ASCII characters")


def _check_media_type(media_type: str) -> None:
    if len(media_type) > MAX_MEDIA_TYPE or not _MEDIA_TYPE.fullmatch(media_type):
        _refuse("a media type is two words with a slash between them, such as image/png")


def _check_size(size: int) -> None:
    if not 0 <= size <= MAX_ID:
        _refuse("no file has that size")


def _check_sticker(sticker: Sticker) -> None:
    if not sticker.reference:
        check_emoji(sticker.emoji)
        return
    _check_line("what a sticker stands for", sticker.emoji, 1, MAX_EMOJI)
    _check_reference(sticker.reference)


def _check_picture(picture: Picture) -> None:
    _check_reference(picture.reference)
    _check_media_type(picture.media_type)
    if not picture.media_type.lower().startswith("image/"):
        _refuse("the media type of a picture begins with image/")
    _check_size(picture.size)
    if not 0 <= picture.width <= MAX_PIXELS or not 0 <= picture.height <= MAX_PIXELS:
        _refuse("no picture is that large")
    _check_line("the name of a picture", picture.name, 0, MAX_NAME)


def _check_file(file: File) -> None:
    _check_reference(file.reference)
    _check_media_type(file.media_type)
    _check_size(file.size)
    _check_line("the name of a file", file.name, 1, MAX_NAME)


def _check_location(location: Location) -> None:
    # Written so that what is no number fails too.
    if not (-90 <= location.latitude <= 90 and -180 <= location.longitude <= 180):
        _refuse("no place has these coordinates")
    _check_line("the name of a place", location.name, 0, MAX_NAME)
    _check_line("the address of a place", location.address, 0, MAX_ADDRESS)


def _check_custom(custom: Custom) -> None:
    _check_media_type(custom.media_type)
    if len(custom.data) > MAX_CUSTOM:
        raise TooLarge(f"a custom message has at most {MAX_CUSTOM} bytes")
