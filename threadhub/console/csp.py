"""Tells browsers to run and load nothing but what this server sends as files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpResponseBase

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from django.http import HttpRequest

POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "worker-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)


class ContentPolicyMiddleware:
    """Send the policy with every page; other answers are no documents."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        """Answer the request, with the policy where it is a page."""
        answer = self.get_response(request)
        if iscoroutinefunction(self.get_response):
            return self._with_policy_async(answer)
        return _with_policy(answer)

    async def _with_policy_async(self, answer: object) -> object:
        awaitable: Awaitable[object] = answer  # type: ignore[assignment]
        return _with_policy(await awaitable)


def _with_policy(answer: object) -> object:
    if isinstance(answer, HttpResponseBase):
        kind = answer.headers.get("Content-Type", "")
        if kind.startswith("text/html"):
            answer.headers["Content-Security-Policy"] = POLICY
    return answer
