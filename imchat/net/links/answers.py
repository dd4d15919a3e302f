"""Results and errors on the wire: ``["ok", value]``, ``["error", {...}]`` or ``["busy", retry_after_ms]``.

Errors are values here, not Perspective Broker's failures: those carry class names, reach a coroutine as another
class, and are logged with a traceback on both sides.
"""

from __future__ import annotations

from imchat.domain.errors import IMError, Internal, ValueRefused, by_code
from imchat.net.links.plain import Fields, Malformed, Plain, plain

_MAX_MESSAGE = 1_000
_CLASSES = by_code()


class Busy(Exception):
    """A server refused a call without having begun it, so that another may be asked, whatever the call is.

    Attributes:
        retry_after_ms: When it may take calls again, in ms.
    """

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__("refused a call that it had not begun")
        self.retry_after_ms = retry_after_ms


def result(value: object) -> Plain:
    """The answer that carries a result.

    Raises:
        TooLarge, InvalidRequest, TypeError: as in :func:`~imchat.net.links.plain.plain`.
    """
    return ["ok", plain(value)]


def refusal(error: IMError) -> Plain:
    """The answer that carries an error: its code, message, waiting time and field, and nothing else of it."""
    message = error.message[:_MAX_MESSAGE].encode("utf-8", "backslashreplace").decode()
    body: dict[str, Plain] = {"code": error.code, "message": message, "retry_after_ms": error.retry_after_ms}
    if isinstance(error, ValueRefused):
        body["field"] = error.field
    return ["error", body]


def busy(retry_after_ms: int) -> Plain:
    """The answer to a call that was not begun."""
    return ["busy", retry_after_ms]


def read(answer: object) -> Plain:
    """Return the result that an answer carries.

    Raises:
        IMError: the answer carries one; a code that this program does not know becomes ``internal``.
        Busy: the call was not begun.
        Malformed: it is no answer.
    """
    if type(answer) is not list or len(answer) != 2:
        raise Malformed("no answer")
    kind, body = answer
    if kind == "ok":
        return body  # type: ignore[no-any-return]  # jelly admits plain values alone
    if kind == "error":
        raise _error(Fields(body))
    if kind == "busy" and type(body) is int:
        raise Busy(body)
    raise Malformed("no answer")


def _error(fields: Fields) -> IMError:
    code, message = fields.text("code"), fields.text("message")
    retry_after_ms = fields.optional_integer("retry_after_ms")
    found = _CLASSES.get(code)
    if found is None:
        return Internal(f"{code}: {message}", retry_after_ms)
    if found is ValueRefused:
        return ValueRefused(message, retry_after_ms, field=fields.text("field"))
    return found(message, retry_after_ms)
