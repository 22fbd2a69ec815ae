"""Asks once per request what a person holds everywhere."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from .held import remembering

if TYPE_CHECKING:
    from django.http import HttpRequest


class RightsMiddleware:
    """Remember until the response begins; what streams afterwards asks anew."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        """Answer the request."""
        if iscoroutinefunction(self.get_response):
            return self._answer_async(request)
        with remembering():
            return self.get_response(request)

    async def _answer_async(self, request: HttpRequest) -> object:
        with remembering():
            awaitable = self.get_response(request)
            assert isinstance(awaitable, Awaitable)  # narrows for the type checker
            return await awaitable
