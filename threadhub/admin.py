"""The admin site's name, and the pages of the kernel: audit entries and API keys."""

from __future__ import annotations

# Registers its own page for audit entries, which links to objects without asking the door.
import auditlog.admin  # noqa: F401
from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from threadhub.kernel.adminbase import SuperuserAdmin, json_field, plain_field, time_field
from threadhub.kernel.audit.models import AuditEntry
from threadhub.kernel.people.models import ApiKey

admin.site.site_title = "ThreadHub"
admin.site.site_header = "ThreadHub"
# Leads to the console, where one is already.
admin.site.site_url = None
admin.site.index_title = _("Console")
admin.site.unregister(AuditEntry)


@admin.register(AuditEntry)
class AuditEntryAdmin(SuperuserAdmin):
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
