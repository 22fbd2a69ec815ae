"""Writes response bodies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer

if TYPE_CHECKING:
    from rest_framework.parsers import BaseParser
    from rest_framework.request import Request


class AsciiJSONRenderer(JSONRenderer):
    """JSON in ASCII: lone surrogates, which UTF-8 cannot hold, reach the client as escapes."""

    ensure_ascii = True


class AnyAccept(BaseContentNegotiation):
    """There is one format, whatever `Accept` says: clients of streams accept events only."""

    def select_parser(self, request: Request, parsers: Sequence[BaseParser]) -> BaseParser:  # type: ignore[override]
        """Return the parser, which takes any content type."""
        return parsers[0]

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: Sequence[BaseRenderer], format_suffix: Any = None
    ) -> tuple[BaseRenderer, str]:
        """Return the renderer."""
        return renderers[0], renderers[0].media_type or ""
