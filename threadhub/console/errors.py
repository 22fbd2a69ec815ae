"""What people read when a page cannot be shown, inside the console's frame."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib import admin
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_lazy as _

from threadhub.kernel.errors import ThreadHubError
from threadhub.kernel.observability import correlation

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest
    from django.utils.functional import Promise

    Words = tuple[str | Promise, str | Promise]

logger = logging.getLogger(__name__)

# Title and text by status. What is hidden is told in the same words as what is missing.
KNOWN: dict[int, Words] = {
    400: (
        _("The request cannot be understood"),
        _("Its address or form holds something that this page does not take."),
    ),
    403: (
        _("This is not allowed for you"),
        _("Your account lacks the permission. Whoever manages this object can grant it."),
    ),
    404: (
        _("There is nothing here"),
        _(
            "The address is wrong, what was here is deleted, or it is not shared with you."
            " The page looks the same in each case."
        ),
    ),
    429: (_("Too many requests"), _("Wait a moment, then load the page again.")),
    500: (
        _("Something went wrong inside ThreadHub"),
        _("The server's log tells more under the id below."),
    ),
    503: (
        _("ThreadHub cannot answer now"),
        _("Something it depends on is away. Wait a moment, then load the page again."),
    ),
}
UNTRUSTED: Words = (
    _("This form is out of date"),
    _(
        "Nothing was changed. The form belongs to another sign-in, or the browser sent no cookie."
        " Go back, load the page again and send the form once more."
    ),
)


def page(request: HttpRequest, status: int, words: Words | None = None) -> HttpResponse:
    """Return an error's page, inside the navigation for who signed in."""
    is_known = getattr(request, "user", None) is not None
    shell = admin.site.each_context(request) if is_known else {}
    context = {**shell, **_context(status, words or KNOWN[status])}
    return HttpResponse(render_to_string("error.html", context, request), status=status)


def _bare(status: int) -> HttpResponse:
    """Return an error's page by itself: needs no database."""
    return HttpResponse(
        render_to_string("error.html", _context(status, KNOWN[status])), status=status
    )


def _context(status: int, words: Words) -> dict[str, Any]:
    title, text = words
    return {"status": status, "title": title, "text": text, "correlation": correlation.current()}


def malformed(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Answer a request that makes no sense."""
    return page(request, 400)


def not_allowed(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Answer for a page or an act that the person lacks the permission for."""
    return page(request, 403)


def not_found(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Answer for a page that is missing, or hidden from the person."""
    return page(request, 404)


def not_trusted(request: HttpRequest, *_: object, **__: object) -> HttpResponse:
    """Answer a form that did not come from a page of this session."""
    return page(request, 403, UNTRUSTED)


def failed(*_: object) -> HttpResponse:
    """Answer for a failure inside ThreadHub."""
    return _bare(500)


class ErrorPagesMiddleware:
    """Turn the errors that services raise in views into pages."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        """Answer the request."""
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: object) -> HttpResponse | None:
        """Refuse NUL, which PostgreSQL's texts cannot hold and no browser's form sends."""
        if request.path.startswith("/api/"):
            return None
        given = [*request.GET.lists(), *request.POST.lists()]
        texts = (text for name, values in given for text in (name, *values))
        has_nul = "\x00" in request.path or any("\x00" in text for text in texts)
        return page(request, 400) if has_nul else None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the page of an expected failure; none for the others, which are failures."""
        if request.path.startswith("/api/"):
            return None
        if isinstance(error, OperationalError | InterfaceError):
            logger.warning("The database did not answer a request: %s", error)
            return _bare(503)
        if not isinstance(error, ThreadHubError):
            return None
        if error.status in KNOWN:
            return page(request, error.status)
        return page(request, error.status, (_("This cannot be done now"), error.message))
