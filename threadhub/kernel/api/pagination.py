"""Paging by limit and offset, as LangGraph's clients expect it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework.response import Response

if TYPE_CHECKING:
    from django.db.models import QuerySet

# Counting further would cost more than anyone learns from it.
COUNT_LIMIT = 1000


def page(rows: QuerySet[Any], *, limit: int, offset: int) -> tuple[list[Any], dict[str, str]]:
    """Return one page and its headers X-Pagination-Total and, if there is more, -Next.

    Two queries; the total stops counting at 1 000.
    """
    found = list(rows[offset : offset + limit + 1])
    total = rows.order_by()[: COUNT_LIMIT + 1].count()
    headers = {"X-Pagination-Total": str(min(total, COUNT_LIMIT))}
    if len(found) > limit:
        headers["X-Pagination-Next"] = str(offset + limit)
        headers["X-Pagination-Total"] = str(max(min(total, COUNT_LIMIT), offset + limit + 1))
    return found[:limit], headers


def respond(data: Any, headers: dict[str, str], status: int = 200) -> Response:
    """Return a response with paging headers."""
    return Response(data, status=status, headers=headers)
