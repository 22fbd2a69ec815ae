"""Says who acts in a request."""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from asgiref.sync import iscoroutinefunction, markcoroutinefunction

from .context import Actor, acting_as

if TYPE_CHECKING:
    from django.http import HttpRequest


def actor_of(request: HttpRequest, user: object) -> Actor:
    """Return the acting person of a request; the address is the peer's, never a header's."""
    peer = str(request.META.get("REMOTE_ADDR") or "")
    try:
        address = str(ipaddress.ip_address(peer))
    except ValueError:
        address = None
    agent = request.headers.get("User-Agent", "").replace("\x00", "")[:200]
    if getattr(user, "is_authenticated", False):
        return Actor(user.pk, user.get_username(), address, agent)  # type: ignore[attr-defined]
    return Actor(None, "anonymous", address, agent)


class ActorMiddleware:
    """Attribute what a request changes to the person signed in by the browser session."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> object:
        """Answer the request as its user."""
        if iscoroutinefunction(self.get_response):
            return self._answer_async(request)
        with acting_as(actor_of(request, request.user)):
            return self.get_response(request)

    async def _answer_async(self, request: HttpRequest) -> object:
        with acting_as(actor_of(request, await request.auser())):
            awaitable = self.get_response(request)
            assert isinstance(awaitable, Awaitable)  # narrows for the type checker
            return await awaitable
