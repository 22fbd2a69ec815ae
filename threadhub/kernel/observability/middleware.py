"""Gives every request its correlation id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from . import correlation


class CorrelationMiddleware:
    """Make the id, send it back as X-Correlation-ID, echo the caller's X-Request-ID."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        """Answer the request with the id in force."""
        if iscoroutinefunction(self.get_response):
            return self._answer_async(request)
        with correlation.correlated(client=request.headers.get("X-Request-ID", "")) as made:
            return self._stamp(self.get_response(request), made)

    async def _answer_async(self, request: HttpRequest) -> object:
        with correlation.correlated(client=request.headers.get("X-Request-ID", "")) as made:
            awaitable = self.get_response(request)
            assert isinstance(awaitable, Awaitable)  # narrows for the type checker
            return self._stamp(await awaitable, made)

    def _stamp(self, response: object, made: str) -> object:
        if isinstance(response, HttpResponseBase):
            response.headers["X-Correlation-ID"] = made
            if client := correlation.client_id():
                response.headers["X-Request-ID"] = client
        return response
