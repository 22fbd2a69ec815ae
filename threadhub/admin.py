"""The console's pages of the kernel: audit entries, API keys, roles and grants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

# Registers its own page for audit entries, which links to objects without asking the door.
import auditlog.admin  # noqa: F401
from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext, pgettext_lazy

from threadhub.console import operations, people  # noqa: F401  # register pages of their own
from threadhub.kernel import clock
from threadhub.kernel.adminbase import OverseerAdmin, SuperuserAdmin, kinds, marks
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.people.models import ApiKey
from threadhub.kernel.rbac.models import GlobalGrant, Role, RoleGrant

if TYPE_CHECKING:
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

admin.site.unregister(AuditEntry)

RIGHTS = (
    (_("On sessions and threads"), "admin:threadhub_rolegrant_changelist"),
    (_("Everywhere"), "admin:threadhub_globalgrant_changelist"),
    (pgettext_lazy("ThreadHub", "Roles"), "admin:threadhub_role_changelist"),
)
PERMISSIONS = {
    "view": pgettext_lazy("permission", "view"),
    "read": pgettext_lazy("permission", "read"),
    "write": pgettext_lazy("permission", "write"),
    "execute": pgettext_lazy("permission", "execute"),
    "delete": pgettext_lazy("permission", "delete"),
    "manage": pgettext_lazy("permission", "manage"),
}


@admin.register(AuditEntry)
class AuditEntryAdmin(OverseerAdmin):
    """Who did what, newest first."""

    title = pgettext_lazy("ThreadHub", "Audit")
    icon = "audit"
    empty_title = _("Nothing recorded yet")
    empty_text = _("Every change leaves an entry: who, what, when, from where.")
    list_display = ("act", "timestamp", "actor_label", "kind", "object_repr", "result")
    column_sizes = {
        "actor_label": "sm",
        "kind": "lg",
        "object_repr": "md",
        "result": "lg",
    }
    labels = {
        "act": _("act"),
        "timestamp": _("time"),
        "actor_label": _("person"),
        "object_pk": _("number"),
        "object_repr": _("object"),
        "reason": _("reason"),
        "changes": _("changes"),
        "additional_data": _("data"),
        "address": _("address"),
        "agent": _("program"),
        "cid": _("correlation id"),
        "request_id": _("request id"),
    }
    search_fields = ("act", "actor_label", "object_pk", "object_repr", "cid")
    search_help_text = _("Act, person, object or correlation id")
    ordering = ("-id",)
    # Ids grow with time.
    orders = {"timestamp": "id"}
    sortable_by = ("timestamp",)
    parts = (
        ("", ("timestamp", "actor_label", "act", "result", "reason")),
        (_("Object"), ("kind", "object_pk", "object_repr")),
        (_("What"), ("changes", "additional_data")),
        (_("From where"), ("address", "agent", "cid", "request_id")),
    )

    @admin.display(description=_("kind"))
    def kind(self, row: AuditEntry) -> str:
        """Show what kind of thing it was done to."""
        return kinds.word(row.model_label)

    @admin.display(description=_("outcome"))
    def result(self, row: AuditEntry) -> str:
        """Show what came of it."""
        return marks.look(row.outcome)[1]

    def detail(self, request: HttpRequest, row: AuditEntry) -> dict[str, Any]:
        """Return the act for the head."""
        return {"title": row.act}

    def note_of(self, row: AuditEntry) -> str:
        """Say who it was, where their column has gone."""
        return row.actor_label


@admin.register(ApiKey)
class ApiKeyAdmin(SuperuserAdmin):
    """Which programs hold keys; the keys themselves are nowhere."""

    title = _("API keys")
    icon = "link"
    empty_title = _("No API keys yet")
    empty_text = _("The command create_api_key of manage.py makes one for a person.")
    list_display = ("key", "state", "name", "user", "last_used_at", "expires_at", "created_at")
    column_sizes = {
        "name": "sm",
        "user": "md",
        "last_used_at": "md",
        "expires_at": "lg",
        "created_at": "lg",
    }
    number_columns = frozenset({"last_used_at", "expires_at", "created_at"})
    labels = {
        "name": pgettext_lazy("ThreadHub", "purpose"),
        "user": pgettext_lazy("ThreadHub", "person"),
        "scopes": _("scopes"),
        "created_at": _("created"),
        "expires_at": _("ends"),
        "revoked_at": _("revoked"),
        "last_used_at": _("last used"),
    }
    list_select_related = ("user",)
    search_fields = ("prefix", "name", "user__username")
    search_help_text = _("Key, purpose or person")
    ordering = ("-id",)
    parts = (
        (
            "",
            (
                "key",
                "state",
                "name",
                "user",
                "scopes",
                "created_at",
                "last_used_at",
                "expires_at",
                "revoked_at",
            ),
        ),
    )

    @admin.display(description=_("key"), ordering="prefix")
    def key(self, row: ApiKey) -> SafeString:
        """Show how the key begins; the rest is known to its holder alone."""
        return marks.mono(f"{row.prefix}…")

    @admin.display(description=_("status"))
    def state(self, row: ApiKey) -> SafeString:
        """Show whether the key opens anything."""
        if row.revoked_at is not None:
            return marks.badge("cancelled", pgettext("grant", "Revoked"))
        if row.expires_at is not None and row.expires_at <= clock.now():
            return marks.badge("cancelled", pgettext("grant", "Ended"))
        return marks.badge("success", pgettext("grant", "In force"))

    def note_of(self, row: ApiKey) -> str:
        """Say whose it is, where their column has gone."""
        return marks.name_of(row.user)


@admin.register(Role)
class RoleAdmin(OverseerAdmin):
    """The named sets of permissions that grants hand out."""

    title = pgettext_lazy("ThreadHub", "Roles")
    pages = RIGHTS
    icon = "permissions"
    list_display = ("name", "given", "text", "is_shipped")
    column_sizes = {"given": "sm", "text": "lg", "is_shipped": "md"}
    labels = {
        "name": pgettext_lazy("ThreadHub", "role"),
        "text": _("description"),
        "is_shipped": _("made by ThreadHub"),
    }
    ordering = ("name",)
    parts = (("", ("name", "text", "given", "is_shipped")),)

    @admin.display(description=pgettext_lazy("ThreadHub", "permissions"))
    def given(self, row: Role) -> SafeString:
        """Show the permissions in their order."""
        return marks.tags([str(PERMISSIONS[word]) for word in row.permissions])

    def note_of(self, row: Role) -> str:
        """Say what it gives, where the column has gone."""
        return ", ".join(str(PERMISSIONS[word]) for word in row.permissions)


class GrantAdmin(OverseerAdmin):
    """What both kinds of grants show."""

    icon = "permissions"
    pages = RIGHTS
    empty_title = _("No grants yet")
    labels = {
        "role": pgettext_lazy("ThreadHub", "role"),
        "starts_at": _("from"),
        "ends_at": _("until"),
        "grantor": _("granted by"),
        "reason": _("reason"),
    }
    column_sizes: ClassVar[dict[str, str]] = {
        "target": "sm",
        "state": "md",
        "starts_at": "lg",
        "ends_at": "md",
        "grantor": "lg",
    }
    number_columns = frozenset({"starts_at", "ends_at"})
    orders: ClassVar[dict[str, str]] = {"role": "role__name"}
    list_select_related: ClassVar[tuple[str, ...]] = ("role", "user", "group", "grantor")
    list_filter = ("role",)
    search_fields = ("user__username", "group__name", "grantor__username", "reason")
    search_help_text = _("Person, group, grantor or reason")
    ordering = ("-id",)

    @admin.display(description=_("given to"))
    def subject(self, row: RoleGrant | GlobalGrant) -> SafeString:
        """Show the person, or the group."""
        return marks.person(row.user) if row.user else marks.group(row.group)

    @admin.display(description=_("status"))
    def state(self, row: RoleGrant | GlobalGrant) -> SafeString:
        """Show whether the grant is in force."""
        now = clock.now()
        if row.ends_at is not None and row.ends_at <= now:
            return marks.badge("cancelled", pgettext("grant", "Ended"))
        if row.starts_at > now:
            return marks.badge("pending", pgettext("grant", "Not yet"))
        return marks.badge("success", pgettext("grant", "In force"))


@admin.register(RoleGrant)
class RoleGrantAdmin(GrantAdmin):
    """Who holds which role on what, since when, until when, by whom and why."""

    title = pgettext_lazy("ThreadHub", "Permissions")
    empty_text = _("A grant gives a person or a group a role on a session or a thread.")
    list_display = ("subject", "role", "target", "state", "starts_at", "ends_at", "grantor")
    list_select_related = (*GrantAdmin.list_select_related, "session", "thread")
    parts = (
        ("", ("subject", "role", "target", "state", "starts_at", "ends_at", "grantor", "reason")),
    )

    @admin.display(description=_("on"))
    def target(self, row: RoleGrant) -> SafeString:
        """Show the session or thread."""
        name, icon = (row.session, "sessions") if row.session_id else (row.thread, "threads")
        return marks.with_icon(icon, str(name))

    def note_of(self, row: RoleGrant) -> str:
        """Say what it is about, where the column has gone."""
        return str(row.session or row.thread)


@admin.register(GlobalGrant)
class GlobalGrantAdmin(GrantAdmin):
    """Who holds which role everywhere."""

    title = _("Grants everywhere")
    empty_text = _("A grant everywhere gives a role on every session and thread.")
    list_display = ("subject", "role", "state", "starts_at", "ends_at", "grantor")
    parts = (("", ("subject", "role", "state", "starts_at", "ends_at", "grantor", "reason")),)
