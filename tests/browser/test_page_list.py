"""The list of pages is complete: one that is added to the console joins it."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib import admin
from django.urls import URLPattern, URLResolver

from browser.pages import NOT_PAGES, NOT_PAGES_BY_KIND, PAGES
from threadhub.kernel.adminbase import ReadOnlyAdmin

# What a read-only model has no page for: its admin refuses everybody.
REFUSED = ("_add", "_delete")


def named(patterns: list[URLPattern | URLResolver]) -> Iterator[URLPattern]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from named(pattern.url_patterns)
        elif pattern.name:
            yield pattern


def answers_a_get(pattern: URLPattern) -> bool:
    return hasattr(getattr(pattern.callback, "view_class", pattern.callback), "get") or not hasattr(
        pattern.callback, "view_class"
    )


def is_refused(pattern: URLPattern) -> bool:
    page = getattr(pattern.callback, "model_admin", None)
    return isinstance(page, ReadOnlyAdmin) and str(pattern.name).endswith(REFUSED)


def addresses() -> set[str]:
    """Return the names of the console's pages, read from the address table."""
    return {
        f"admin:{pattern.name}"
        for pattern in named(admin.site.urls[0])
        if answers_a_get(pattern) and not is_refused(pattern)
    }


def test_every_page_of_the_console_is_in_the_list() -> None:
    listed = {page.view for page in PAGES} | set(NOT_PAGES)

    missing = {name for name in addresses() - listed if not name.endswith(tuple(NOT_PAGES_BY_KIND))}

    assert missing == set()


def test_the_list_names_only_what_there_is() -> None:
    listed = {page.view for page in PAGES if not page.view.startswith("/")} | set(NOT_PAGES)

    assert listed - {f"admin:{pattern.name}" for pattern in named(admin.site.urls[0])} == set()


def test_names_of_pages_make_files_of_their_own() -> None:
    names = [page.file_name for page in PAGES]

    assert len(names) == len(set(names))
