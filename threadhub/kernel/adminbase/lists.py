"""The lists of the console: columns, filters and pages that stand in the address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.auth import get_user_model
from django.core.exceptions import FieldDoesNotExist
from django.db import DataError
from django.db.models import ForeignKey
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.http import urlencode
from django.utils.text import capfirst

from . import cells, keyset

if TYPE_CHECKING:
    from django.db import models
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

# What the address says beside filters: columns, and the row to go on from.
COLUMNS, AFTER, BEFORE, ORDER, SEARCH = "cols", "after", "before", "o", "q"
# Counting further would cost more than anyone learns from it.
COUNTED = 1000
_OURS = frozenset({COLUMNS, AFTER, BEFORE})


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table, shown or only offered."""

    name: str
    text: str
    classes: str
    is_shown: bool
    # For `aria-sort`, and the address that sorts by it; empty where nobody can.
    sorted: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: its first cell is the link to its page."""

    key: Any
    name: str
    address: str
    main: SafeString | str
    note: SafeString | str
    # The other cells of the row as markup, which a template would take longer to write.
    cells: SafeString


@dataclass(frozen=True, slots=True)
class Choice:
    """A value to filter by, or a tab."""

    text: str
    address: str
    is_current: bool


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is on, and the address without it."""

    title: str
    value: str
    address: str


class ConsoleList(ChangeList):
    """Django's list with keyset paging, chips for its filters, and a choice of columns."""

    # A ListAdmin, and what the type stubs are stricter about than Django.
    model_admin: Any
    list_display: Any
    filter_specs: Any

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        self.asked = request.GET
        super().__init__(request, *args, **kwargs)
        self.shows_all = self.model_admin.shows_all(request)
        self.title = str(self.model_admin.title)

    # -- the address ---------------------------------------------------------------------------

    def get_filters_params(self, params: Any = None) -> dict[str, Any]:
        """Return what is left for filters."""
        found = super().get_filters_params(params)
        return {name: value for name, value in found.items() if name not in _OURS}

    def get_query_string(self, new_params: Any = None, remove: Any = None) -> str:
        """Return a query string that begins at the first page."""
        return super().get_query_string(new_params, [*(remove or ()), AFTER, BEFORE])

    def without(self, *names: str) -> str:
        """Return the query string without some parameters."""
        return self._query(dict.fromkeys(names))

    def _query(self, changed: Mapping[str, Any]) -> str:
        kept = {name: self.asked.getlist(name) for name in self.asked}
        known = {name: value for name, value in kept.items() if name in self.filter_params}
        wanted = {**known, AFTER: None, BEFORE: None, **changed}
        given = {name: value for name, value in wanted.items() if value not in (None, [])}
        return f"?{urlencode(given, doseq=True)}"

    def search_carries(self) -> Iterator[tuple[str, str]]:
        """Yield the parameters that a search keeps."""
        return self._carried(SEARCH)

    def columns_carry(self) -> Iterator[tuple[str, str]]:
        """Yield the parameters that a choice of columns keeps."""
        return self._carried(COLUMNS)

    def default_columns(self) -> str:
        """Return the address with the columns that are shown to everybody."""
        return self.without(COLUMNS)

    def _carried(self, own: str) -> Iterator[tuple[str, str]]:
        for name in self.filter_params:
            if name not in {own, AFTER, BEFORE}:
                yield from ((name, value) for value in self.asked.getlist(name))

    # -- the order, and the page ---------------------------------------------------------------

    def get_ordering_field(self, field_name: Any) -> Any:
        """Return what a column sorts by: people by name, other relations only if told."""
        told = self.model_admin.orders.get(field_name)
        if told:
            return str(told)
        try:
            field = self.lookup_opts.get_field(field_name)
        except FieldDoesNotExist:
            return super().get_ordering_field(field_name)
        if not isinstance(field, ForeignKey):
            return str(field.name)
        is_person = field.related_model is get_user_model()
        return f"{field.name}__{get_user_model().USERNAME_FIELD}" if is_person else None

    def get_ordering(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> list[Any]:
        """Return the order the address asks for, or the page's own; never a tie."""
        wanted = self.params.get(ORDER, "")
        column = wanted.removeprefix("-")
        field = self.get_ordering_field(column) if column in self._sortable() else None
        ordering = list(self.model_admin.get_ordering(request))
        if field:
            ordering = [f"-{field}" if wanted.startswith("-") else field]
        total: list[Any] = self._get_deterministic_ordering(ordering)  # type: ignore[attr-defined]
        return total

    def _sortable(self) -> list[str]:
        allowed: Any = self.sortable_by
        return [name for name in self.list_display if name in allowed]

    def apply_select_related(self, qs: models.QuerySet[Any]) -> models.QuerySet[Any]:
        """Return the rows with what columns show of related ones, and without large fields."""
        return super().apply_select_related(qs).defer(*self.model_admin.unread)

    def get_results(self, request: HttpRequest) -> None:
        """Read one page and look whether there is more; count only where there is."""
        ordering = self.get_ordering(request, self.queryset)
        self.first_order = ordering[0]
        self.keys = keyset.keys(self.queryset, ordering)
        after, before = self.asked.get(AFTER, ""), self.asked.get(BEFORE, "")
        rows, has_more = self._page(after or before, backwards=bool(before and not after))
        if before and not after and not has_more:
            # The way back leads to a whole first page.
            after = before = ""
            rows, has_more = self._page("", backwards=False)
        self.result_list = rows
        self.has_previous = bool(after or before)
        self.has_next = has_more or bool(before)
        self.is_whole = not (self.has_previous or self.has_next)
        self.result_count = len(rows) if self.is_whole else self._count()
        self.show_admin_actions = bool(rows)
        self.multi_page = self.can_show_all = self.show_full_result_count = False
        self.full_result_count = self.paginator = None

    def _page(self, place: str, *, backwards: bool) -> tuple[list[Any], bool]:
        rows = self.queryset.order_by(*(key.order(backwards=backwards) for key in self.keys))
        if place:
            try:
                rows = rows.filter(keyset.beyond(self.keys, place, backwards=backwards))
            except keyset.UnknownPlace as error:
                raise IncorrectLookupParameters from error
        try:
            found = list(rows[: self.list_per_page + 1])
        except (OverflowError, DataError) as error:
            # A filter or a place with a number or a moment beyond what the database knows.
            raise IncorrectLookupParameters from error
        shown = found[: self.list_per_page]
        return (shown[::-1] if backwards else shown), len(found) > self.list_per_page

    def _count(self) -> int:
        return int(self.queryset.order_by().values("pk")[: COUNTED + 1].count())

    @property
    def is_uncounted(self) -> bool:
        """Say whether there are more rows than were counted."""
        return self.result_count > COUNTED

    def next_address(self) -> str:
        """Return the address of the next page."""
        return self._query({AFTER: keyset.place(self.keys, self.result_list[-1])})

    def previous_address(self) -> str:
        """Return the address of the page before, or of the first where this one is empty."""
        if not self.result_list:
            return self._query({})
        return self._query({BEFORE: keyset.place(self.keys, self.result_list[0])})

    # -- the table -----------------------------------------------------------------------------

    def columns(self) -> list[Column]:
        """Return the columns in order; the first is always shown."""
        chosen = {name for given in self.asked.getlist(COLUMNS) for name in given.split(",")}
        names = [name for name in self.list_display if name != "action_checkbox"]
        sortable = self._sortable()
        hidden = self.model_admin.hidden_columns
        return [
            self._column(
                name,
                is_shown=index == 0 or (name in chosen if chosen else name not in hidden),
                is_sortable=name in sortable,
            )
            for index, name in enumerate(names)
        ]

    def shown_columns(self) -> list[Column]:
        """Return the columns of the table."""
        return [column for column in self.columns() if column.is_shown]

    def _column(self, name: str, *, is_shown: bool, is_sortable: bool) -> Column:
        page = self.model_admin
        text = cells.label(page, name)
        size = page.column_sizes.get(name, "")
        classes = " ".join(
            filter(None, (f"col-{size}" * bool(size), "num" * (name in page.number_columns)))
        )
        field = self.get_ordering_field(name) if is_sortable else None
        if not field:
            return Column(name, text, classes, is_shown)
        is_current = self.first_order.removeprefix("-") == field
        is_descending = self.first_order.startswith("-")
        order = f"-{name}" if is_current and not is_descending else name
        direction = ("descending" if is_descending else "ascending") if is_current else ""
        return Column(name, text, classes, is_shown, direction, self._query({ORDER: order}))

    def rows(self) -> Iterator[Row]:
        """Yield what the table shows."""
        first, *others = self.shown_columns()
        page = self.model_admin
        for row in self.result_list:
            yield Row(
                key=row.pk,
                name=str(row),
                address=page.address_of(row),
                main=cells.content(page, row, first.name),
                note=page.note_of(row),
                cells=format_html_join(
                    "",
                    '<td class="{}">{}</td>',
                    ((each.classes, cells.content(page, row, each.name)) for each in others),
                ),
            )

    # -- filters -------------------------------------------------------------------------------

    def chips(self) -> list[Chip]:
        """Return the filters that are on."""
        return [
            Chip(self._title(spec), self._value(spec), self.without(*spec.expected_parameters()))
            for spec in self.filter_specs
            if self._is_on(spec)
        ]

    def offers(self) -> list[tuple[str, list[Choice]]]:
        """Return the filters with the values to choose from."""
        return [(self._title(spec), self._choices(spec)) for spec in self.filter_specs]

    def _choices(self, spec: Any) -> list[Choice]:
        # The first choice of Django's filters is "all", which is the chip's cross here.
        _, *choices = spec.choices(self)
        return [
            Choice(str(each["display"]), each["query_string"], bool(each["selected"]))
            for each in choices
        ]

    def _is_on(self, spec: Any) -> bool:
        return any(name in self.filter_params for name in spec.expected_parameters())

    def _value(self, spec: Any) -> str:
        chosen = [each.text for each in self._choices(spec) if each.is_current]
        given = [value for name in spec.expected_parameters() for value in self.asked.getlist(name)]
        return ", ".join(chosen or given)

    def _title(self, spec: Any) -> str:
        field: Any = getattr(spec, "field_path", None)
        known = field in self.model_admin.labels
        return cells.label(self.model_admin, field) if known else capfirst(str(spec.title))

    def cleared(self) -> str:
        """Return the address without filters and search."""
        names = [name for spec in self.filter_specs for name in spec.expected_parameters()]
        return self.without(SEARCH, *names)

    @property
    def is_narrowed(self) -> bool:
        """Say whether a search or a filter is on."""
        return bool(self.query) or any(self._is_on(spec) for spec in self.filter_specs)

    def tabs(self) -> list[Choice]:
        """Return the views that are offered ready-made, or the pages beside this one."""
        if self.model_admin.pages:
            own = self.model_admin.list_view()
            return [
                Choice(str(text), reverse(view), view == own)
                for text, view in self.model_admin.pages
            ]
        names = {name for spec in self.filter_specs for name in spec.expected_parameters()}
        filters = {
            name: self.asked.get(name) for name in (*names, SEARCH) if name in self.filter_params
        }
        return [
            Choice(str(text), f"?{urlencode(query)}", dict(query) == filters)
            for text, query in self.model_admin.list_tabs(self.asked)
        ]
