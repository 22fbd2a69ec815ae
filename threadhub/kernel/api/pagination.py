"""Paging by limit and offset, as LangGraph's clients expect it, and by cursor everywhere else."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from rest_framework.response import Response

from threadhub.kernel.errors import Invalid

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


def latest(
    rows: QuerySet[Any], *, limit: int, cursor: str, column: str = "updated_at"
) -> tuple[list[Any], str | None]:
    """Return one page, newest first, and the cursor of the next. Raises Invalid; 1 query.

    A row that changes while somebody turns pages moves to the front.
    """
    if cursor:
        at, key = _place(cursor)
        rows = rows.filter(Q(**{f"{column}__lt": at}) | Q(**{column: at, "pk__lt": key}))
    found = list(rows.order_by(f"-{column}", "-pk")[: limit + 1])
    if len(found) <= limit:
        return found, None
    last = found[limit - 1]
    place = json.dumps([getattr(last, column).isoformat(), last.pk])
    return found[:limit], base64.urlsafe_b64encode(place.encode()).decode()


def _place(cursor: str) -> tuple[datetime, int]:
    try:
        at, key = json.loads(base64.urlsafe_b64decode(cursor.encode()))
        return datetime.fromisoformat(at), int(key)
    except (ValueError, TypeError, OverflowError):
        said = "The cursor must be one that a page before has named as `next`."
        raise Invalid(said, fields={"cursor": ["Unknown."]}) from None


def respond(data: Any, headers: dict[str, str], status: int = 200) -> Response:
    """Return a response with paging headers."""
    return Response(data, status=status, headers=headers)
