"""The lists: pages that stay what they were, filters and columns in the address."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client

from threadhub.kernel import clock
from threadhub.kernel.adminbase import lists
from threads_app.admin import ThreadAdmin
from threads_app.models import Thread
from threads_app.services import threads

pytestmark = pytest.mark.django_db

LIST = "/console/threads_app/thread/"
THEN = datetime(2026, 1, 1, tzinfo=UTC)
SignIn = Callable[[Any], Client]


@pytest.fixture
def client(operator: Any, signed_in: SignIn) -> Client:
    return signed_in(operator)


@pytest.fixture
def ten(operator: Any, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ten threads, oldest first, three of which changed at the same moment; pages of three."""
    monkeypatch.setattr(ThreadAdmin, "list_per_page", 3)
    for number in range(10):
        made = threads.create(actor=operator, now=clock.now(), title=f"Plan {number}")
        made.updated_at = THEN + timedelta(minutes=5 if 4 <= number <= 6 else number)
        made.save()
    return [f"Plan {number}" for number in range(10)]


def titles(page: str) -> list[str]:
    return re.findall(r'class="cell-main"[^>]*>(?:<[^>]*>)*(Plan \d+)\s*<', page)


def turn(client: Client, page: str, way: str) -> str | None:
    found = re.search(rf'href="([^"]*)" rel="{way}"', page)
    return get(client, unescape(found.group(1))) if found else None


def get(client: Client, query: str = "") -> str:
    answered = client.get(f"{LIST}{query}")
    assert answered.status_code == 200, answered
    return answered.content.decode()


def walk(client: Client, page: str | None, way: str) -> list[list[str]]:
    found = []
    while page is not None:
        found.append(titles(page))
        page = turn(client, page, way)
    return found


def last(client: Client, query: str = "") -> str:
    page: str | None = get(client, query)
    while page is not None and (following := turn(client, page, "next")):
        page = following
    assert page is not None
    return page


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "order", ["", "?o=name", "?o=-name", "?o=updated_at", "?o=graph", "?o=-graph"]
)
def test_every_row_is_on_one_page_in_both_directions_ties_and_missing_values_included(
    client: Client, ten: list[str], order: str
) -> None:
    forth = walk(client, get(client, order), "next")
    back = walk(client, last(client, order), "prev")

    assert sorted(title for page in forth for title in page) == ten
    assert [len(page) for page in forth] == [3, 3, 3, 1]
    seen = [title for page in reversed(back) for title in page]
    assert seen == [title for page in forth for title in page]


def test_rows_that_come_and_go_move_no_page(client: Client, operator: Any, ten: list[str]) -> None:
    first = get(client, "?o=name")
    threads.create(actor=operator, now=clock.now(), title="Plan 00")
    Thread.objects.visible_to(operator).get(title="Plan 1").delete()

    second = turn(client, first, "next")

    assert second is not None
    assert titles(second) == ["Plan 3", "Plan 4", "Plan 5"]


def test_no_page_is_found_by_skipping_rows_or_counted_beyond_a_thousand(
    client: Client, ten: list[str], django_assert_max_num_queries: Any, monkeypatch: Any
) -> None:
    monkeypatch.setattr(lists, "COUNTED", 5)

    with django_assert_max_num_queries(20) as asked:
        page = turn(client, get(client), "next")

    assert page is not None
    statements = [query["sql"] for query in asked.captured_queries]
    assert not any("OFFSET" in sql for sql in statements)
    assert all("LIMIT 6" in sql for sql in statements if "COUNT(" in sql)
    assert "3 shown of more than" in page


@pytest.mark.parametrize("place", ["nonsense", "W10", "WyJ4IiwgMV0", "bnVsbA"])
def test_a_place_that_is_none_leads_to_the_beginning(
    client: Client, ten: list[str], place: str
) -> None:
    answered = client.get(f"{LIST}?after={place}", follow=True)

    assert titles(answered.content.decode()) == ["Plan 9", "Plan 8", "Plan 7"]


def test_filters_are_chips_that_can_be_taken_away(client: Client, ten: list[str]) -> None:
    page = get(client, "?status__exact=idle&q=Plan&o=name")

    assert '<span class="chip__val">Idle</span>' in page
    removed = re.search(r'class="chip__x" href="([^"]+)" aria-label="Remove filter Status"', page)
    assert removed is not None
    assert unescape(removed.group(1)) == "?q=Plan&o=name"
    assert 'href="?o=name">Clear</a>' in page


def test_a_search_keeps_the_filters_and_begins_anew(client: Client, ten: list[str]) -> None:
    page = turn(client, get(client, "?status__exact=idle&o=name"), "next")

    assert page is not None
    form = re.search(r'<form class="search" method="get">.*?</form>', page, re.DOTALL)
    assert form is not None
    assert re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.group()) == [
        ("status__exact", "idle"),
        ("o", "name"),
    ]


def test_what_matches_nothing_says_why_and_what_is_empty_says_so(
    client: Client, stranger: Any, signed_in: SignIn, ten: list[str]
) -> None:
    nothing = get(client, "?q=nowhere&status__exact=error")

    assert "Searched for “nowhere”." in nothing
    assert "1 filter is on." in nothing
    empty = get(signed_in(stranger))
    assert "No threads yet" in empty
    assert "You see here what is yours or was shared with you." in empty


def test_columns_are_chosen_in_the_address(client: Client, ten: list[str]) -> None:
    page = get(client, "?cols=owner&cols=run_count")

    heads = re.findall(r'<th scope="col".*?</th>', page, re.DOTALL)
    assert [re.sub(r"<.*?>", "", head) for head in heads] == ["Thread", "Owner", "Runs"]
    assert 'value="owner" checked' in page
    assert 'value="status">' in page
    assert "cols=owner" in unescape(page[page.index('rel="next"') - 200 :])


def test_the_column_that_sorts_says_in_which_direction(client: Client, ten: list[str]) -> None:
    assert re.search(r'aria-sort="descending"[^>]*><a[^>]*>Last activity', get(client))
    by_name = get(client, "?o=name")
    assert re.search(r'aria-sort="ascending"><a class="table__sort" href="\?o=-name"', by_name)
    assert titles(by_name) == ["Plan 0", "Plan 1", "Plan 2"]
    assert titles(get(client, "?o=public_id")) == ["Plan 9", "Plan 8", "Plan 7"]


def test_a_page_offers_its_tabs_and_marks_the_current_one(
    client: Client, ten: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    tabs = [("All", {}), ("Failed", {"status__exact": "error"})]
    monkeypatch.setattr(ThreadAdmin, "list_tabs", lambda *_: tabs)

    assert '<a href="?status__exact=error" aria-current="page">Failed</a>' in get(
        client, "?status__exact=error&o=name"
    )
    assert '<a href="?" aria-current="page">All</a>' in get(client)


def test_selected_rows_are_acted_on_without_script(client: Client, world: Thread) -> None:
    run = world.runs.get()
    page = client.get("/console/threads_app/run/").content.decode()

    assert '<button class="btn btn--sm" type="submit" name="action" value="cancel">' in page
    assert f'name="_selected_action" value="{run.pk}"' in page
