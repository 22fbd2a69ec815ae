"""One error shape for the whole API: detail, code, fields, correlation_id."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions, status
from rest_framework.response import Response

from threadhub.kernel.errors import ThreadHubError
from threadhub.kernel.observability import correlation

logger = logging.getLogger(__name__)


class BodyTooLarge(exceptions.APIException):
    """The request's body is larger than the installation takes."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_detail = "The body is too large."
    default_code = "too_large"


class LengthRequired(exceptions.APIException):
    """The request's body comes in chunks, so that nobody knows its size."""

    status_code = status.HTTP_411_LENGTH_REQUIRED
    default_detail = "Send the body with a Content-Length, not in chunks."
    default_code = "length_required"


def body(detail: str, code: str, fields: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON body of an error."""
    named = {"fields": fields} if fields else {}
    return {"detail": detail, "code": code, **named, "correlation_id": correlation.current()}


def handle(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Turn an exception of a view into the error shape; unknown ones become a plain 500."""
    if isinstance(error, ThreadHubError):
        shape = body(error.message, error.code, error.fields)
        return Response(shape, status=error.status)
    if isinstance(error, Http404):
        return Response(body("Not found.", "not_found"), status=404)
    if isinstance(error, PermissionDenied):
        return Response(body("Not allowed.", "not_allowed"), status=403)
    if isinstance(error, exceptions.ValidationError):
        return Response(_invalid(error.detail), status=status.HTTP_422_UNPROCESSABLE_ENTITY)
    if isinstance(error, exceptions.APIException):
        shape = body(str(error.detail), str(error.get_codes()))
        return Response(shape, status=error.status_code, headers=_headers(error))
    if isinstance(error, SuspiciousOperation):
        return _suspicious(error)
    if isinstance(error, OperationalError | InterfaceError):
        logger.warning("The database did not answer a request: %s", error)
        text = "The database does not answer. Try again in a moment."
        return Response(body(text, "unavailable"), status=503)
    logger.error("A request failed.", exc_info=error)
    return Response(body("Something went wrong inside ThreadHub.", "internal"), status=500)


def _suspicious(error: SuspiciousOperation) -> Response:
    if isinstance(error, RequestDataTooBig):
        return Response(body("The body is too large.", "too_large"), status=413)
    return Response(body("The request is malformed.", "malformed"), status=400)


def _headers(error: exceptions.APIException) -> dict[str, str]:
    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    return headers


def _invalid(detail: Any) -> dict[str, Any]:
    if isinstance(detail, dict):
        fields = dict(_places(detail, ""))
        name, messages = next(iter(fields.items()))
        return body(f"{name}: {messages[0]}", "invalid", fields)
    return body(_messages(detail)[0], "invalid")


def _places(found: Any, above: str) -> Iterator[tuple[str, list[str]]]:
    """Yield what is wrong by its place in the body: `threads.2.name`."""
    if isinstance(found, list) and any(isinstance(item, dict) for item in found):
        found = dict(enumerate(found))
    if not isinstance(found, dict):
        yield above, _messages(found)
        return
    for name, inner in found.items():
        yield from _places(inner, f"{above}.{name}" if above else str(name))


def _messages(found: Any) -> list[str]:
    if isinstance(found, dict):
        return [f"{key}: {text}" for key, value in found.items() for text in _messages(value)]
    if isinstance(found, list):
        return [text for item in found for text in _messages(item)] or ["Invalid."]
    return [str(found)]


@csrf_exempt
def not_found(request: HttpRequest, *_: object, **__: object) -> JsonResponse:
    """Answer an API path that does not exist."""
    shape = body(f"There is no {request.path[:200]} in this API. See /api/schema.", "not_found")
    return JsonResponse(shape, status=404)
