"""The address table, walked once for the tests that ask every route."""

from __future__ import annotations

from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

from architecture.source_tree import PACKAGES
from threadhub.kernel.api.views import ProtectedView

# Answered without signing in, and why that harms nobody. Everything else has a permission rule.
PUBLIC = {
    "": "Leads to the console, which asks who you are.",
    "ok": "Says that the process answers.",
    "api/ok": "Says that the process answers.",
    "api/info": "Says which version answers; clients ask before they sign in.",
    "api(/.*)?": "Says that there is no such address.",
    "sign-in/<str:token>": "The token is the secret, good for one use.",
    "t/<str:public_id>": "Asks who you are, then the one door, and leads to the console.",
    "s/<uuid:public_id>": "Asks who you are, then the one door, and leads to the console.",
    "o/<uuid:public_id>": "Asks who you are, then the one door, and leads to the console.",
}
# The admin site wraps each of its views in its own question of who you are.
CONSOLE = "console/"
METHODS = ("get", "post", "put", "patch", "delete")


def routes() -> dict[str, object]:
    found = dict(_routes("", get_resolver().url_patterns))
    return {path: view for path, view in found.items() if not path.startswith(CONSOLE)}


def _routes(prefix: str, patterns: list[URLPattern | URLResolver]) -> Iterator[tuple[str, object]]:
    for pattern in patterns:
        path = prefix + str(pattern.pattern).lstrip("^").rstrip("$")
        if isinstance(pattern, URLResolver):
            yield from _routes(path, pattern.url_patterns)
        else:
            yield path, getattr(pattern.callback, "view_class", pattern.callback)


def own_views() -> list[tuple[str, type[ProtectedView]]]:
    return [
        (path, view)
        for path, view in routes().items()
        if path not in PUBLIC and view.__module__.split(".")[0] in PACKAGES
    ]


def methods_of(view: type[ProtectedView]) -> set[str]:
    return {method.upper() for method in METHODS if hasattr(view, method)}
