"""The project's own app, and which admin site Django uses."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.db.models.signals import post_migrate


class ThreadHubAdminConfig(admin_apps.AdminConfig):
    """Django's admin, with the console for its site."""

    # Named in the settings; the app of this module is the other one.
    default = False
    default_site = "threadhub.console.site.ConsoleSite"


class ThreadHubConfig(AppConfig):
    """Tables of the kernel, and the wiring that needs every app loaded."""

    default = True
    name = "threadhub"
    verbose_name = "ThreadHub"

    def ready(self) -> None:
        """Declare what is audited, how rights flow, who reacts, how processes meet."""
        from threadhub import audit, tasks  # noqa: F401
        from threadhub.console import memberships
        from threadhub.coordination import duties as plans  # noqa: F401
        from threadhub.coordination import guards, subscribers  # noqa: F401
        from threadhub.coordination import realtime as sessions_live  # noqa: F401
        from threadhub.coordination.inheritance import SessionMembers
        from threadhub.kernel import realtime
        from threadhub.kernel.operations import duties  # noqa: F401
        from threadhub.kernel.rbac import inheritance, roles, touching
        from threadhub.ops import realtime as operations_live  # noqa: F401

        memberships.connect()
        inheritance.register(SessionMembers())
        post_migrate.connect(roles.ensure_shipped, sender=self)
        touching.connect()
        realtime.connect()
