"""What a page of rows declares about its list."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import BadRequest, ValidationError
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from . import cells, marks
from .lists import ConsoleList

if TYPE_CHECKING:
    from django.contrib.admin.views.main import ChangeList
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

Text = str | Promise


class ListAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic in the stubs only
    """What a page of rows declares: its words, its columns, and where a row leads to."""

    # What the list is called, its icon, and what stands there while it is empty.
    title: ClassVar[Text] = ""
    icon: ClassVar[str] = "info"
    add_text: ClassVar[Text] = ""
    empty_title: ClassVar[Text] = _("Nothing here yet")
    empty_text: ClassVar[Text] = ""
    # The lists beside this one, itself among them: text and name of the view.
    pages: ClassVar[tuple[tuple[Text, str], ...]] = ()
    # Labels of columns, fields and filters where the model's own word is not the page's.
    labels: ClassVar[Mapping[str, Text]] = {}
    # The size under which a column gives way: xs, sm, md, lg or xl.
    column_sizes: ClassVar[Mapping[str, str]] = {}
    number_columns: ClassVar[frozenset[str]] = frozenset()
    # Offered in the menu of columns, not shown unless somebody asks.
    hidden_columns: ClassVar[frozenset[str]] = frozenset()
    # Large fields that no column shows: read for a row's own page only.
    unread: ClassVar[tuple[str, ...]] = ()
    # What a column sorts by, where that is not its own field.
    orders: ClassVar[Mapping[str, str]] = {}
    show_full_result_count = False
    # What a filter calls rows without a value.
    empty_value_display = pgettext_lazy("filter", "None")
    list_per_page = 50

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the list of the console."""
        return ConsoleList

    def response_action(
        self, request: HttpRequest, queryset: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Act on the selected rows. Raises BadRequest for a selection that names none."""
        try:
            for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
                self.opts.pk.clean(key, None)
        except ValidationError as error:
            raise BadRequest("This is no row of the list.") from error
        return super().response_action(request, queryset, *args, **kwargs)

    def list_view(self) -> str:
        """Return the name of the list's view."""
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist"

    def address_of(self, row: Any) -> str:
        """Return where the row's link leads to."""
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return reverse(name, args=[row.pk])

    def note_of(self, row: Any) -> SafeString | str:
        """Return the line under the name that replaces columns on a narrow screen."""
        return ""

    def shows_all(self, request: HttpRequest) -> bool:
        """Say whether the person sees every row there is."""
        return True

    def list_tabs(self, asked: Mapping[str, str]) -> list[tuple[Text, Mapping[str, str]]]:
        """Return the ready-made views of the list: the text and the parameters of each."""
        return []

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow what the page's own filters ask for.

        Django allows every column of the row, by whose values what a page hides can be guessed.
        """
        filters: Any = self.get_list_filter(request)
        names = {found if isinstance(found, str) else found[0] for found in filters if found}
        is_own = lookup.partition("__")[0] in names
        return is_own and super().lookup_allowed(lookup, value, request)


class WordFilter(admin.ChoicesFieldListFilter):
    """A filter by a stored word, in the words that badges show."""

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Yield the choices as Django makes them, under the words people read."""
        found = super().choices(changelist)
        yield next(found)
        for known, choice in zip(self.field.flatchoices, found, strict=False):
            yield {**choice, "display": marks.look(known[0])[1]}


admin.FieldListFilter.register(
    lambda field: field.name in cells.STATUSES and bool(field.flatchoices),
    WordFilter,
    take_priority=True,
)
