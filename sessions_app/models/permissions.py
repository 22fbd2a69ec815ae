"""Who may do what on a session, derived from grants."""

from __future__ import annotations

from django.db import models

from threadhub.kernel.rbac.models import GroupPermission, UserPermission


class SessionUserPermission(UserPermission):
    """A person's permission on a session."""

    content_object = models.ForeignKey("sessions_app.Session", on_delete=models.CASCADE)

    class Meta(UserPermission.Meta):
        db_table = "sessions_user_permission"


class SessionGroupPermission(GroupPermission):
    """A group's permission on a session."""

    content_object = models.ForeignKey("sessions_app.Session", on_delete=models.CASCADE)

    class Meta(GroupPermission.Meta):
        db_table = "sessions_group_permission"
