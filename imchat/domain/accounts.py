"""The rules for names, addresses, passwords and devices: what servers hold and clients may check before they ask.

Each field has a schema (a pattern and lengths, which the HTTP API publishes) and, where a schema cannot say all,
further rules. What breaks the schema is an ``invalid_request`` at the border; what fits it and is still not
acceptable is refused here with ``value_refused`` or ``weak_password``.

The patterns are written so that Python, Rust (pydantic) and ECMAScript (JSON schema) read them alike.
"""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from imchat.domain.errors import InvalidRequest, ValueRefused, WeakPassword
from imchat.domain.models import Device

MIN_NAME = 2
MAX_NAME = 32
MAX_NAME_KEY = 64
"""Longest key of a name, in code points: case folding can make a name longer."""

_OUTSIDE_NAMES = r"\u0000-\u001f!-,/:-@\[-\^`{-\u00a9\u2000-\u206f\u3000"
NAME_PATTERN = rf"^[^ _.\-{_OUTSIDE_NAMES}]( ?[^ {_OUTSIDE_NAMES}])*$"
"""A letter or digit, then letters, digits, ``_``, ``.``, ``-`` and single inner spaces."""

MAX_EMAIL = 254
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[^\u0000-,./:-@\[-`{-\u00a0]+"
EMAIL_PATTERN = rf"^{_ATOM}(\.{_ATOM})*@{_LABEL}(\.{_LABEL})+$"

MAX_LOGIN = 254
MIN_PASSWORD = 8
MAX_PASSWORD = 256

DEVICE_ID_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"
MAX_DEVICE_TEXT = 64
DEVICE_TEXT_PATTERN = r"^[^\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]{1,64}$"
"""A device's name or platform: no control characters, line separators or changes of writing direction."""

CODE_PATTERN = r"^[0-9]{6}$"
INVITATION_PATTERN = r"^[A-Za-z0-9-]{1,64}$"

_GONE = re.compile(r"deleted-[0-9]+")
_MAX_MARKS = 4
_NAME_PUNCTUATION = frozenset(" _.-")
# Letters and marks that nobody can see: two names must never look the same for having one more of them.
_INVISIBLE = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
    + "".join(map(chr, range(0xFE00, 0xFE10)))
    + "".join(map(chr, range(0xE0100, 0xE01F0)))
)


class RegistrationMode(StrEnum):
    """Who may register by the HTTP API."""

    OPEN = "open"
    INVITATION = "invitation"
    CLOSED = "closed"


def _fold(text: str) -> str:
    # Unicode's caseless compatibility matching: one pass of either can undo the other.
    decomposed = unicodedata.normalize("NFD", text).casefold()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", decomposed).casefold())


def name_key(name: str) -> str:
    """Return the normalised form (NFKC, casefold) under which a name is unique."""
    return _fold(name)


def email_key(address: str) -> str:
    """Return the normalised form under which an address is unique.

    Case is ignored on both sides of the @, and an international domain is the same in either notation. What is no
    address has a key too, so that any input can be looked up.
    """
    try:
        return _fold(_parse_email(address))
    except EmailNotValidError:
        return _fold(address)


def deleted_name(user_id: int) -> str:
    """What somebody is called whose account was deleted; nobody else can have this name."""
    return f"deleted-{user_id}"


def login_key(login: str) -> str:
    """Return the key of what was typed at login: an address has an @, a name never."""
    return email_key(login) if "@" in login else name_key(login)


def _parse_email(address: str) -> str:
    parsed = validate_email(address, check_deliverability=False, allow_smtputf8=False, strict=True)
    assert parsed.ascii_email is not None  # noqa: S101  (the library promises it without SMTPUTF8)
    return parsed.ascii_email


def check_email(address: str) -> str:
    """Check an address.

    Returns:
        The form that mail servers take: an international domain as ``xn--``.

    Raises:
        ValueRefused: it is no address that mail can be sent to.
    """
    try:
        ascii_email = _parse_email(address)
    except EmailNotValidError as error:
        raise ValueRefused(f"the address is not valid: {error}", field="email") from error
    if len(ascii_email) > MAX_EMAIL:
        raise ValueRefused(f"an address has at most {MAX_EMAIL} characters", field="email")
    return ascii_email


def check_name(name: str) -> str:
    """Check a user's name: 2 to 32 characters, letters of any script, digits, ``_ . -`` and single inner spaces.

    It begins with a letter or digit, has a letter somewhere (so that no name looks like an id) and no @ (so that
    none looks like an address), and is no placeholder of a deleted account. The same holds of its compatibility form.

    Returns:
        The form to store (NFC).

    Raises:
        ValueRefused: one of the rules is broken; the message says which.
    """
    stored = unicodedata.normalize("NFC", name)
    for form in (stored, unicodedata.normalize("NFKC", name)):
        fault = _name_fault(form)
        if fault:
            raise ValueRefused(fault, field="name")
    if _GONE.fullmatch(name_key(name)):
        raise ValueRefused("accounts that were deleted are called that", field="name")
    if len(name_key(name)) > MAX_NAME_KEY:
        raise ValueRefused("the name is too long once case is ignored", field="name")
    return stored


def _name_fault(name: str) -> str | None:
    if not MIN_NAME <= len(name) <= MAX_NAME:
        return f"a name has {MIN_NAME} to {MAX_NAME} characters"
    if not re.fullmatch(NAME_PATTERN, name) or not all(map(_is_name_character, name)):
        return "a name has letters, digits, _ . - and single spaces between them"
    if unicodedata.category(name[0])[0] == "M":
        return "a name begins with a letter or a digit"
    if not any(unicodedata.category(character)[0] == "L" for character in name):
        return "a name has at least one letter"
    if _longest_run_of_marks(name) > _MAX_MARKS:
        return f"a name has at most {_MAX_MARKS} combining marks in a row"
    return None


def _is_name_character(character: str) -> bool:
    if character in _NAME_PUNCTUATION:
        return True
    category = unicodedata.category(character)
    return (category[0] in "LM" or category == "Nd") and character not in _INVISIBLE


def _longest_run_of_marks(text: str) -> int:
    longest = run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        longest = max(longest, run)
    return longest


def prepare_password(password: str) -> str:
    """Return the form that is hashed (NFC): keyboards differ in how they compose the same characters."""
    return unicodedata.normalize("NFC", password)


def check_password(password: str, name: str | None = None, email: str | None = None) -> str:
    """Check a new password: 8 to 256 characters, not a common one, not the account's own name or address.

    Args:
        password: As typed.
        name: The account's name, None where it is not known (yet).
        email: The account's address, None where it is not known.

    Returns:
        The form to hash.

    Raises:
        ValueRefused: too short or too long.
        WeakPassword: easily guessed.
    """
    prepared = prepare_password(password)
    if not MIN_PASSWORD <= len(prepared) <= MAX_PASSWORD:
        raise ValueRefused(f"a password has {MIN_PASSWORD} to {MAX_PASSWORD} characters", field="password")
    key = _fold(prepared)
    if key in _common_passwords():
        raise WeakPassword("this password is on a list of common ones")
    own = {name_key(name)} if name else set()
    if email:
        own |= {email_key(email), email_key(email).partition("@")[0]}
    if key in own:
        raise WeakPassword("the password must not be the account's own name or address")
    return prepared


@lru_cache(maxsize=1)
def _common_passwords() -> frozenset[str]:
    # Read at first use only: clients that never set a password need not hold 12,000 words.
    from zxcvbn.frequency_lists import FREQUENCY_LISTS

    return frozenset(_fold(word) for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_PASSWORD)


def check_device(device: Device) -> None:
    """Check what a client says of its device.

    Raises:
        InvalidRequest: an id or a text that does not match its pattern.
    """
    if not re.fullmatch(DEVICE_ID_PATTERN, device.device_id):
        raise InvalidRequest("a device_id has 1 to 64 characters of A-Z a-z 0-9 . _ -")
    for field, text in (("device_name", device.device_name), ("platform", device.platform)):
        if not re.fullmatch(DEVICE_TEXT_PATTERN, text):
            raise InvalidRequest(f"{field} has 1 to {MAX_DEVICE_TEXT} characters and no control characters")


def invitation_key(code: str) -> str:
    """Return the stored form of an invitation code: people type it in any case, with or without its hyphens."""
    return code.replace("-", "").upper()
