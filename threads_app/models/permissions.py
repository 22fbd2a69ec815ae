"""Who may do what on a thread, derived from grants."""

from __future__ import annotations

from django.db import models

from threadhub.kernel.rbac.models import GroupPermission, UserPermission


class ThreadUserPermission(UserPermission):
    """A person's permission on a thread."""

    content_object = models.ForeignKey("threads_app.Thread", on_delete=models.CASCADE)

    class Meta(UserPermission.Meta):
        db_table = "threads_user_permission"


class ThreadGroupPermission(GroupPermission):
    """A group's permission on a thread."""

    content_object = models.ForeignKey("threads_app.Thread", on_delete=models.CASCADE)

    class Meta(GroupPermission.Meta):
        db_table = "threads_group_permission"
