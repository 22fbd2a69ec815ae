"""The pages of the kernel: audit entries, API keys, roles and grants."""

from __future__ import annotations

from typing import ClassVar

# Registers its own page for audit entries, which links to objects without asking the door.
import auditlog.admin  # noqa: F401
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from threadhub.kernel.adminbase import (
    OverseerAdmin,
    SuperuserAdmin,
    json_field,
    plain_field,
    time_field,
)
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.people.models import ApiKey
from threadhub.kernel.rbac.models import GlobalGrant, Role, RoleGrant

admin.site.unregister(AuditEntry)


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
