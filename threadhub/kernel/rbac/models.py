"""Roles, the grants that hand them out, and the base of the permission rows derived from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self, TypeVar

from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from guardian.models import GroupObjectPermissionBase, UserObjectPermissionBase

from threadhub.kernel.models import RecordedManager, RecordedQuerySet

SUBJECTS = ("user", "group")
TARGETS = ("session", "thread")

GrantT = TypeVar("GrantT", bound=models.Model)


class Role(models.Model):
    """A named set of permissions; editing it changes what every holder may do."""

    name = models.CharField(max_length=60, unique=True)
    text = models.CharField(max_length=255, blank=True, default="")
    # Words of rbac.ACTIONS, in that order.
    permissions = models.JSONField(default=list)
    # Made by ThreadHub itself; cannot be deleted.
    is_shipped = models.BooleanField(default=False)

    objects = RecordedManager()

    class Meta:
        db_table = "threadhub_role"

    def __str__(self) -> str:
        return self.name


def _one_of(fields: tuple[str, str]) -> Q:
    first, second = fields
    return Q(**{f"{first}__isnull": True, f"{second}__isnull": False}) | Q(
        **{f"{first}__isnull": False, f"{second}__isnull": True}
    )


def _once() -> Iterator[models.UniqueConstraint]:
    """Yield what keeps a role from being granted twice; NULLs are distinct on both databases."""
    for subject in SUBJECTS:
        for target in TARGETS:
            yield models.UniqueConstraint(
                fields=["role", subject, target], name=f"role_grant_once_{subject}_{target}"
            )


def groups_of(user: Any) -> models.QuerySet[Any]:
    """Return the keys of the person's groups, for use in a statement."""
    memberships: models.Manager[Any] = get_user_model().groups.through._default_manager
    return memberships.filter(user=user.pk).values("group")


class GrantQuerySet(RecordedQuerySet[GrantT]):
    """Filters for grants of both kinds."""

    def in_force(self) -> Self:
        """Return the grants that have begun and not ended, by the database's clock."""
        return self.filter(Q(ends_at=None) | Q(ends_at__gt=Now()), starts_at__lte=Now())

    def held_by(self, user: Any) -> Self:
        """Return the grants given to the person or to a group of theirs."""
        return self.filter(Q(user=user.pk) | Q(group__in=groups_of(user)))


class RoleGrant(models.Model):
    """The truth of who holds which role on what, since when, until when, by whom and why."""

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, null=True, related_name="+")
    session = models.ForeignKey(
        "sessions_app.Session", on_delete=models.CASCADE, null=True, related_name="grants"
    )
    thread = models.ForeignKey(
        "threads_app.Thread", on_delete=models.CASCADE, null=True, related_name="grants"
    )
    grantor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)
    # Whether permission rows were derived from it; the tick does that when its start comes.
    is_begun = models.BooleanField(default=False)

    objects = models.Manager.from_queryset(GrantQuerySet)()

    class Meta:
        db_table = "threadhub_role_grant"
        constraints = [
            models.CheckConstraint(condition=_one_of(SUBJECTS), name="role_grant_one_subject"),
            models.CheckConstraint(condition=_one_of(TARGETS), name="role_grant_one_target"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=models.F("starts_at")),
                name="role_grant_ends_after_start",
            ),
            *_once(),
        ]
        indexes = [
            # Grants whose start the tick waits for.
            models.Index(
                fields=["starts_at"], condition=Q(is_begun=False), name="role_grant_to_begin"
            ),
        ]

    def __str__(self) -> str:
        return f"grant {self.pk}"


class GlobalGrant(models.Model):
    """A role held everywhere; looked up before any object is."""

    role = models.ForeignKey(Role, on_delete=models.PROTECT, related_name="global_grants")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, null=True, related_name="+")
    grantor = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(GrantQuerySet)()

    class Meta:
        db_table = "threadhub_global_grant"
        constraints = [
            models.CheckConstraint(condition=_one_of(SUBJECTS), name="global_grant_one_subject"),
            models.CheckConstraint(
                condition=Q(ends_at__isnull=True) | Q(ends_at__gt=models.F("starts_at")),
                name="global_grant_ends_after_start",
            ),
            models.UniqueConstraint(fields=["role", "user"], name="global_grant_once_user"),
            models.UniqueConstraint(fields=["role", "group"], name="global_grant_once_group"),
        ]

    def __str__(self) -> str:
        return f"global grant {self.pk}"


class UserPermission(UserObjectPermissionBase):
    """One permission of one person on one object, derived from all grants that give it.

    `until` is the latest of their ends, empty when one of them has none. Subclasses point
    `content_object` at their model.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    until = models.DateTimeField(null=True)

    # Guardian's own manager writes past the audit.
    objects = RecordedManager()  # type: ignore[assignment, misc]

    class Meta(UserObjectPermissionBase.Meta):
        abstract = True


class GroupPermission(GroupObjectPermissionBase):
    """One permission of one group on one object; see UserPermission."""

    group = models.ForeignKey("auth.Group", on_delete=models.CASCADE, related_name="+")
    until = models.DateTimeField(null=True)

    # Guardian's own manager writes past the audit.
    objects = RecordedManager()  # type: ignore[assignment, misc]

    class Meta(GroupObjectPermissionBase.Meta):
        abstract = True
