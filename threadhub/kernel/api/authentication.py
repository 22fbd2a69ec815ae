"""Who calls the API: a program by key, or a person by browser session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework import authentication, exceptions

from threadhub.kernel import audit, clock
from threadhub.kernel.audit.middleware import actor_of
from threadhub.kernel.people import keys

if TYPE_CHECKING:
    from rest_framework.request import Request


class ApiKeyAuthentication(authentication.BaseAuthentication):
    """`X-Api-Key: thub_…` or `Authorization: Bearer thub_…`; needs no CSRF token."""

    def authenticate(self, request: Request) -> tuple[Any, Any] | None:
        """Return the key's user and the key. Raises AuthenticationFailed for a bad key."""
        text = _key_of(request)
        if not text:
            return None
        key = keys.check(text, now=clock.now())
        if key is None:
            raise exceptions.AuthenticationFailed("This API key is unknown, expired or revoked.")
        audit.attribute(actor_of(request._request, key.user))
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge, which makes a missing login a 401."""
        return 'Bearer realm="ThreadHub"'


def _key_of(request: Request) -> str:
    if key := request.headers.get("X-Api-Key"):
        return key
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else ""


class BrowserAuthentication(authentication.SessionAuthentication):
    """The console's session cookie, with CSRF."""


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """Describes the key in the OpenAPI document."""

    target_class = ApiKeyAuthentication
    name = "apiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "apiKey", "in": "header", "name": "X-Api-Key"}


class BrowserScheme(OpenApiAuthenticationExtension):
    """Describes the session cookie in the OpenAPI document."""

    target_class = BrowserAuthentication
    name = "browserSession"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the OpenAPI security scheme."""
        return {"type": "apiKey", "in": "cookie", "name": "sessionid"}
