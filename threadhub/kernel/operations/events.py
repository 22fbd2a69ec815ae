"""What happens to operations, told to workers."""

from __future__ import annotations

from dataclasses import dataclass

from threadhub.kernel import events


@events.declare("operations.requested")
@dataclass(frozen=True, slots=True)
class OperationRequested:
    """An operation waits for a worker."""

    operation_id: int
