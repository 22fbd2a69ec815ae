"""A typed edge between two threads of one session."""

from __future__ import annotations

from django.db import models

from threadhub.kernel.models import JsonText, RecordedManager


class Dependency(models.Model):
    """`downstream` waits for `upstream`; by data flow it also takes over what that produced."""

    class Kind(models.TextChoices):
        SEQUENTIAL = "sequential"
        DATA_FLOW = "data_flow"

    session = models.ForeignKey(
        "sessions_app.Session", on_delete=models.CASCADE, related_name="dependencies"
    )
    upstream = models.ForeignKey(
        "sessions_app.SessionThreadAssociation", on_delete=models.CASCADE, related_name="dependents"
    )
    downstream = models.ForeignKey(
        "sessions_app.SessionThreadAssociation", on_delete=models.CASCADE, related_name="needs"
    )
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.SEQUENTIAL)
    # Input key -> JMESPath into the upstream's output; empty passes the whole output.
    mapping = JsonText(default=dict)

    objects = RecordedManager()

    class Meta:
        db_table = "sessions_dependency"
        constraints = [
            models.UniqueConstraint(fields=["upstream", "downstream"], name="dependency_once"),
            models.CheckConstraint(
                condition=~models.Q(upstream=models.F("downstream")), name="dependency_not_on_self"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.upstream_id} -> {self.downstream_id}"
