"""The OpenAPI document, made from the schemas that validate and the operations that are served."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

import imchat
from imchat.gate import schemas
from imchat.gate.operations import OPERATIONS, Operation
from imchat.gate.problems import PROBLEM_JSON

_REFERENCE = "#/components/schemas/{model}"
_RETRY_AFTER = {
    "Retry-After": {
        "description": "Seconds to wait before the same request may succeed; `retry_after_ms` has it in ms.",
        "schema": {"type": "integer", "minimum": 1},
    }
}
_WWW_AUTHENTICATE = {"WWW-Authenticate": {"schema": {"type": "string", "const": "Bearer"}}}
_DESCRIPTION = """\
Registration by mailed code, login, and where to connect for chat. Errors are problem details (RFC 9457) whose `code`
is stable. A value that fits its schema and is still refused is told by 403 `value_refused`, with the field in
`errors`."""


def document() -> dict[str, Any]:
    """Return the document as JSON values."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "imchat gate",
            "version": imchat.__version__,
            "description": _DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "The token that login answers."}
            },
        },
    }


def _schemas() -> dict[str, Any]:
    used: set[type[BaseModel]] = {schemas.Problem}
    for operation in OPERATIONS:
        used |= {model for model in (operation.request, operation.answer) if model is not None}
    ordered = sorted(used, key=lambda model: model.__name__)
    _, definitions = models_json_schema([(model, "validation") for model in ordered], ref_template=_REFERENCE)
    found: dict[str, Any] = definitions["$defs"]
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.text,
        "security": [{"token": []}] if operation.secured else [],
        "responses": _responses(operation),
    }
    if operation.localised:
        described["parameters"] = [
            {
                "name": "Accept-Language",
                "in": "header",
                "description": "Language of the mail: Chinese or English.",
                "schema": {"type": "string"},
                "example": "zh-CN, en;q=0.5",
            }
        ]
    if operation.request is not None:
        described["requestBody"] = {"required": True, "content": {"application/json": _media(operation.request)}}
    return described


def _media(model: type[BaseModel]) -> dict[str, Any]:
    return {"schema": {"$ref": _REFERENCE.format(model=model.__name__)}}


def _responses(operation: Operation) -> dict[str, Any]:
    success: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase}
    if operation.answer is not None:
        success["content"] = {"application/json": _media(operation.answer)}
    elif operation.name == "describe":
        success["content"] = {"application/json": {"schema": {"type": "object"}}}
    refusals = {**_common(operation), **operation.refusals}
    responses = {str(operation.status): success}
    responses.update({str(status): _refusal(status, refusals[status]) for status in sorted(refusals)})
    return responses


def _common(operation: Operation) -> dict[int, str]:
    codes = {500: "`internal`: a fault of the server", 413: "`too_large`: the body is over the limit"}
    if operation.limited:
        codes[429] = "`rate_limited`"
    if operation.secured:
        codes[401] = "`unauthenticated`: the token is missing, wrong, expired or ended"
    if operation.request is not None:
        codes |= {
            400: "`invalid_request`: the body is no JSON in UTF-8",
            415: "`unsupported`: the body is not declared as application/json, or is compressed",
            422: "`invalid_request`: fields break their schema; `errors` says which",
        }
    return codes


def _refusal(status: int, text: str) -> dict[str, Any]:
    response: dict[str, Any] = {"description": text, "content": {PROBLEM_JSON: _media(schemas.Problem)}}
    if status in (429, 503):
        response["headers"] = _RETRY_AFTER
    if status == HTTPStatus.UNAUTHORIZED:
        response["headers"] = _WWW_AUTHENTICATE
    return response
