"""Profile and API key."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from threadhub.kernel.models import RecordedManager, RecordedQuerySet


class Profile(models.Model):
    """What ThreadHub keeps about a person beside the account."""

    class Theme(models.TextChoices):
        SYSTEM = "system"
        LIGHT = "light"
        DARK = "dark"

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="profile"
    )
    language = models.CharField(max_length=12, blank=True, default="")
    theme = models.CharField(max_length=6, choices=Theme.choices, default=Theme.SYSTEM)
    time_zone = models.CharField(max_length=64, blank=True, default="")
    # Raised with every change of the person's rights, so that open sockets notice.
    access_epoch = models.BigIntegerField(default=0)
    # The hash of the password ThreadHub made up; a person's own password differs from it.
    issued_password = models.CharField(max_length=128, blank=True, default="")

    objects = RecordedManager()

    class Meta:
        db_table = "threadhub_profile"

    def __str__(self) -> str:
        return f"profile of user {self.user_id}"


class ApiKeyQuerySet(RecordedQuerySet["ApiKey"]):
    """Filters for API keys."""

    def usable(self) -> ApiKeyQuerySet:
        """Return the keys that open something now."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=Now())
        return self.filter(unexpired, revoked_at=None, user__is_active=True)


class ApiKey(models.Model):
    """A program's key: shown once, kept as a digest, found by its prefix."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="api_keys"
    )
    name = models.CharField(max_length=100, blank=True, default="")
    prefix = models.CharField(max_length=16, unique=True)
    digest = models.CharField(max_length=64)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    last_used_at = models.DateTimeField(null=True)

    objects = models.Manager.from_queryset(ApiKeyQuerySet)()

    class Meta:
        db_table = "threadhub_api_key"
        verbose_name = "API key"

    def __str__(self) -> str:
        return f"{self.prefix}…"
