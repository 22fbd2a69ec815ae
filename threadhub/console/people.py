"""The pages of accounts and groups, for superusers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import NestedObjects
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import Group, User
from django.db import DEFAULT_DB_ALIAS
from django.forms import CheckboxSelectMultiple, ModelForm
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from threadhub.kernel.adminbase import ListAdmin, kinds, marks

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.urls import URLPattern
    from django.utils.safestring import SafeString

admin.site.unregister([Group, User])

PEOPLE = (
    (pgettext_lazy("ThreadHub", "Users"), "admin:auth_user_changelist"),
    (pgettext_lazy("ThreadHub", "Groups"), "admin:auth_group_changelist"),
)


class PersonForm(ModelForm):
    """An account, in the words of what each right means here."""

    class Meta:
        model = User
        fields = ("username", "first_name", "last_name", "email", "is_active", "groups")
        labels = {
            "username": _("Name to sign in with"),
            "first_name": _("First name"),
            "last_name": _("Last name"),
            "email": _("Email"),
            "is_active": _("Active"),
            "is_staff": pgettext_lazy("person", "Admin"),
            "is_superuser": pgettext_lazy("person", "Superuser"),
            "groups": pgettext_lazy("ThreadHub", "Groups"),
        }
        help_texts = {
            "username": _("Letters, digits and @ . + - _"),
            "is_active": _("Whoever is not active cannot sign in; what they did stays."),
            "is_staff": _("Sees every session and thread, but not their state."),
            "is_superuser": _("May do everything, and reads every state; that is recorded."),
            "groups": "",
        }


class AccountsAdmin(ListAdmin):
    """What the pages of accounts and groups share: whoever edits them can become anybody."""

    pages = PEOPLE
    show_close = True

    def get_urls(self) -> list[URLPattern]:
        """Return the pages without Django's history, which the audit has, and old addresses."""
        found = super().get_urls()
        return [each for each in found if each.name and not each.name.endswith("_history")]

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether the person is a superuser."""
        return request.user.is_active and bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person is a superuser."""
        return self.has_module_permission(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission

    def formfield_for_manytomany(
        self, db_field: Any, request: HttpRequest | None = None, **kwargs: Any
    ) -> Any:
        """Offer memberships as boxes to tick, without a window of their own."""
        return db_field.formfield(widget=CheckboxSelectMultiple, **kwargs)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Take no values from the address."""
        return {}

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> Any:
        raise Http404

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Show a form with a title that says what it is about."""
        row = context.get("original")
        context["title"] = str(row) if row else self.add_text
        context["password_address"] = self.password_address(row)
        context["crumbs"] = [(reverse(self.list_view()), self.title)]
        return super().render_change_form(request, context, *args, **kwargs)

    def password_address(self, row: Any) -> str:
        """Return where somebody's password is set, where the row is somebody."""
        return ""

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> Any:
        """Ask before something is deleted."""
        given = {
            "title": gettext("Delete for good"),
            "crumbs": [(reverse(self.list_view()), self.title)],
        }
        return super().delete_view(request, object_id, {**given, **(extra_context or {})})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return what would go, and what forbids it, as numbers of things people know."""
        found: Any = NestedObjects(using=DEFAULT_DB_ALIAS)
        found.collect(objs)
        goes: dict[Any, int] = {model: len(rows) for model, rows in found.model_objs.items()}
        pages = self.admin_site._registry
        forbidden = {
            kinds.word(model._meta.model_name)
            for model in goes
            if model in pages and not pages[model].has_delete_permission(request)
        }
        kept = Counter(kinds.word(row._meta.model_name) for row in found.protected)
        counted = {kinds.word(model._meta.model_name): count for model, count in goes.items()}
        return [], counted, forbidden - set(kept), list(kept.items())


@admin.register(User)
class PersonAdmin(AccountsAdmin, UserAdmin):
    """The accounts."""

    title = pgettext_lazy("ThreadHub", "Users")
    icon = "users"
    add_text = _("Add user")
    form = PersonForm
    add_form = UserCreationForm
    add_form_template = None
    change_user_password_template = "admin/password_form.html"  # noqa: S105  # a file
    list_display = ("person", "state", "level", "email", "last_login", "date_joined")
    column_sizes = {
        "state": "sm",
        "level": "sm",
        "email": "lg",
        "last_login": "md",
        "date_joined": "lg",
    }
    number_columns = frozenset({"last_login", "date_joined"})
    labels = {
        "is_active": _("active"),
        "is_staff": pgettext_lazy("person", "admin"),
        "is_superuser": pgettext_lazy("person", "superuser"),
        "email": _("email"),
        "last_login": _("last sign-in"),
        "date_joined": _("since"),
        "groups": pgettext_lazy("ThreadHub", "groups"),
    }
    list_filter = ("is_active", "is_staff", "is_superuser", "groups")
    search_help_text = _("Name or email")
    ordering = ("username",)
    filter_horizontal = ()
    readonly_fields = ("last_login", "date_joined")
    fieldsets = (
        (None, {"fields": ("username", "first_name", "last_name", "email")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        (_("Times"), {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"fields": ("username", "password1", "password2")}),)

    def password_address(self, row: Any) -> str:
        """Return where the person's password is set."""
        return reverse("admin:auth_user_password_change", args=[row.pk]) if row else ""

    @admin.display(description=_("name"), ordering="username")
    def person(self, row: User) -> SafeString:
        """Show who it is."""
        return marks.person(row)

    @admin.display(description=_("status"), ordering="is_active")
    def state(self, row: User) -> SafeString:
        """Show whether the person may sign in."""
        if row.is_active:
            return marks.badge("success", str(_("Active")))
        return marks.badge("archived", str(_("Deactivated")))

    @admin.display(description=_("rights"))
    def level(self, row: User) -> str:
        """Show what the person may everywhere."""
        return marks.level(row)

    def note_of(self, row: User) -> str:
        """Say what the person may, where the column has gone."""
        return marks.level(row)


@admin.register(Group)
class PeopleAdmin(AccountsAdmin, GroupAdmin):
    """The groups that grants are given to."""

    title = pgettext_lazy("ThreadHub", "Groups")
    icon = "users"
    add_text = _("Add group")
    empty_title = _("No groups yet")
    empty_text = _("A grant to a group reaches everybody in it.")
    search_help_text = _("Name")
    fields = ("name",)
    filter_horizontal = ()
    labels = {"name": _("name")}
