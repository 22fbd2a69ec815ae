"""What the list of sessions is asked for: what makes no sense is refused, not a failure."""

from __future__ import annotations

import base64

import pytest

from sessions_app.models import Session
from threadhub.coordination.api.inputs import SessionListQuery
from threadhub.kernel.api.pagination import latest
from threadhub.kernel.errors import Invalid


@pytest.mark.parametrize("text", ["[", "[]", "[" * 1500, '{"n": NaN}'])
def test_a_search_that_is_no_object_is_refused(text: str) -> None:
    query = SessionListQuery(data={"metadata": text})

    assert not query.is_valid()
    assert set(query.errors) == {"metadata"}


def test_a_search_holds_no_text_that_databases_refuse() -> None:
    query = SessionListQuery(data={"metadata": r'{"a": "\u0000"}'})

    assert query.is_valid()
    assert query.validated_data["metadata"] == {"a": "\ufffd"}


@pytest.mark.parametrize("place", ['["2030-01-01T00:00:00+00:00", 1e999]', "{}", "x"])
def test_a_cursor_that_no_page_named_is_refused(place: str) -> None:
    cursor = base64.urlsafe_b64encode(place.encode()).decode()

    with pytest.raises(Invalid):
        latest(Session.objects.none(), limit=1, cursor=cursor)
