"""Operations and this process, for whoever watches them."""

from __future__ import annotations

import os
from typing import Any

from threadhub.coordination.realtime import uuid_of
from threadhub.kernel import realtime
from threadhub.kernel.errors import NotVisible
from threadhub.kernel.operations.models import Operation
from threadhub.kernel.rbac import access
from threadhub.kernel.rbac.held import views_everything
from threadhub.kernel.realtime import Found, Topic, facts
from threadhub.ops.api import outputs
from threads_app.models import Run


class OperationTopic(Topic):
    """`operation:<id>`: the operation's row, and its course item by item."""

    name = "operation:"

    def find(self, user: Any, argument: str) -> Found:
        """Return the operation. Raises NotVisible. Two queries."""
        operation = access.get(
            Operation.objects.only("stream"),
            user=user,
            action="view",
            public_id=uuid_of(argument, "operation"),
        )
        return Found("read", operation.stream_id, operation.pk)

    def snapshot(self, user: Any, found: Found) -> dict[str, Any]:
        """Return the operation as the API shows it."""
        operations = Operation.objects.select_related("asked_by")
        row = access.get(operations, user=user, action="view", pk=found.target)
        return {"operation": outputs.operation(row)}


class HealthTopic(Topic):
    """`health`: facts of the process that answers, for who may view everything."""

    name = "health"
    has_log = False
    pause = 2.0
    patience = 2.0

    def find(self, user: Any, argument: str) -> Found:
        """Return the process. Raises NotVisible for everybody else."""
        if not views_everything(user):
            raise NotVisible("There is no such topic.")
        return Found("read")

    def snapshot(self, user: Any, found: Found) -> dict[str, Any]:
        """Return what is known without asking other processes, and who works on runs."""
        running = Run.objects.visible_to(user, "view").filter(status=Run.Status.RUNNING)
        workers = running.order_by("owner").values_list("owner", flat=True).distinct()
        return {"pid": os.getpid(), **facts.current(), "working": list(workers[:100])}


for topic in (OperationTopic(), HealthTopic()):
    realtime.register(topic)
