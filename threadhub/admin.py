"""The kernel's pages: audit entries, API keys, operations, roles and grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

# Registers its own page for audit entries, which links to objects without asking the door.
import auditlog.admin  # noqa: F401
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from threadhub.kernel.adminbase import (
    OverseerAdmin,
    ProtectedAdmin,
    SuperuserAdmin,
    badge,
    json_field,
    plain_field,
    time_field,
)
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.operations import selecting
from threadhub.kernel.operations.models import Operation
from threadhub.kernel.people.models import ApiKey
from threadhub.kernel.rbac.models import GlobalGrant, Role, RoleGrant

if TYPE_CHECKING:
    from django.http import HttpRequest

ITEMS_SHOWN = 100

admin.site.unregister(AuditEntry)
admin.site.unregister([Group, User])


class SuperusersOnly:
    """Whoever edits people or groups can make themselves anybody, whatever Django calls it."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Say whether the person is a superuser."""
        return request.user.is_active and bool(request.user.is_superuser)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Say whether the person is a superuser."""
        return self.has_module_permission(request)

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


@admin.register(User)
class PersonAdmin(SuperusersOnly, UserAdmin):
    """The accounts."""


@admin.register(Group)
class PeopleAdmin(SuperusersOnly, GroupAdmin):
    """The groups that grants are given to."""


@admin.register(AuditEntry)
class AuditEntryAdmin(OverseerAdmin):
    """Who did what, newest first."""

    list_display = ("at", "who", "act", "kind", "what", "outcome")
    search_fields = ("act", "actor_label", "object_pk", "object_repr")
    search_help_text = _("Act, person, number or name of the object.")
    ordering = ("-id",)
    fieldsets = (
        (None, {"fields": (("at", "who"), ("act", "outcome"), "reason")}),
        (_("Object"), {"fields": (("kind", "number", "what"),)}),
        (_("What"), {"fields": ("changes_shown", "data_shown")}),
        (_("From where"), {"fields": (("address", "agent"), "cid", "request_id")}),
    )
    who = plain_field("actor_label", _("person"))
    kind = plain_field("model_label", _("object"))
    number = plain_field("object_pk", _("number"))
    what = plain_field("object_repr", _("name"))
    at = time_field("timestamp", _("time"))
    changes_shown = json_field("changes", _("changes"))
    data_shown = json_field("additional_data", _("data"))


@admin.register(ApiKey)
class ApiKeyAdmin(SuperuserAdmin):
    """Which programs hold keys; the keys themselves are nowhere."""

    list_display = ("prefix", "user", "name", "created", "expires", "revoked", "last_used")
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__username")
    ordering = ("-id",)
    fields = ("prefix", "user", "name", "scopes", "created", "expires", "revoked", "last_used")
    created = time_field("created_at", _("created"))
    expires = time_field("expires_at", _("ends"))
    revoked = time_field("revoked_at", _("revoked"))
    last_used = time_field("last_used_at", _("last used"))


@admin.register(Operation)
class OperationAdmin(ProtectedAdmin):
    """The jobs that were asked for: who, why, how far, and what became of each item."""

    list_display = ("kind", "status", "progress_shown", "who", "reason", "created", "finished")
    list_filter = ("state", "kind")
    list_select_related = ("asked_by",)
    search_fields = ("public_id", "kind", "reason")
    ordering = ("-id",)
    change_form_template = "admin/threadhub/operation/detail.html"
    fieldsets = (
        (None, {"fields": ("public_id", ("kind", "status"), "progress_shown", "error")}),
        (_("Order"), {"fields": (("who", "reason"), "target_shown", "filter_shown", "given")}),
        (_("Times"), {"fields": (("created", "started", "finished"), "cancel_requested")}),
        (
            _("Execution"),
            {"fields": (("performer", "lease", "crashes"),), "classes": ("collapse",)},
        ),
    )
    target_shown = json_field("target", _("object"))
    filter_shown = json_field("filter", _("filter"))
    given = json_field("arguments", _("arguments"))
    created = time_field("created_at", _("created"))
    started = time_field("started_at", _("started"))
    finished = time_field("finished_at", _("ended"))
    cancel_requested = time_field("cancel_requested_at", _("cancel asked for"))
    performer = plain_field("worker", _("worker"))
    lease = time_field("lease_until", _("lease until"))

    @admin.display(description=_("status"), ordering="state")
    def status(self, row: Operation) -> str:
        """Show how far the operation is."""
        return badge(row.state)

    @admin.display(description=_("progress"))
    def progress_shown(self, row: Operation) -> str:
        """Show how many items are dealt with, and how many of them failed."""
        text = _t("%(dealt)d of %(total)d, %(failed)d failed")
        return text % {"dealt": row.dealt, "total": row.total, "failed": row.failed}

    @admin.display(description=_("asked by"))
    def who(self, row: Operation) -> str:
        """Show the name alone: accounts are the administrators' pages."""
        return row.asked_by.get_username()

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> Any:
        """Show an operation with its first items, those that failed before the others."""
        operation = context.get("original")
        if operation is not None:
            context["items"] = selecting.failed_first(operation)[:ITEMS_SHOWN]
            context["left_out"] = max(operation.total - ITEMS_SHOWN, 0)
        return super().render_change_form(request, context, *args, **kwargs)


@admin.register(Role)
class RoleAdmin(OverseerAdmin):
    """The named sets of permissions that grants hand out."""

    list_display = ("name", "given", "is_shipped")
    ordering = ("name",)
    fields = ("name", "text", "given", "is_shipped")

    @admin.display(description=_("permissions"))
    def given(self, row: Role) -> str:
        """Show the permissions in their order."""
        return ", ".join(row.permissions)


class GrantAdmin(OverseerAdmin):
    """What both kinds of grants show."""

    list_select_related: ClassVar[tuple[str, ...]] = ("role", "user", "group", "grantor")
    list_filter = ("role",)
    search_fields = ("user__username", "group__name", "grantor__username", "reason")
    search_help_text = _("Person, group, grantor or reason.")
    ordering = ("-id",)
    starts = time_field("starts_at", _("from"))
    ends = time_field("ends_at", _("until"))
    by = plain_field("grantor", _("granted by"))

    @admin.display(description=_("given to"))
    def subject(self, row: RoleGrant | GlobalGrant) -> str:
        """Show the person's name, or the group's."""
        return str(row.user or _("group %s") % row.group)


@admin.register(RoleGrant)
class RoleGrantAdmin(GrantAdmin):
    """Who holds which role on what, since when, until when, by whom and why."""

    list_display = ("role", "subject", "target", "starts", "ends", "by")
    list_select_related = (*GrantAdmin.list_select_related, "session", "thread")
    fields = ("role", "subject", "target", ("starts", "ends"), "by", "reason")

    @admin.display(description=_("on"))
    def target(self, row: RoleGrant) -> str:
        """Show the session or thread."""
        return str(row.session or row.thread)


@admin.register(GlobalGrant)
class GlobalGrantAdmin(GrantAdmin):
    """Who holds which role everywhere."""

    list_display = ("role", "subject", "starts", "ends", "by")
    fields = ("role", "subject", ("starts", "ends"), "by", "reason")
