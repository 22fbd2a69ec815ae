"""What an operation's stream and the audit say about a change of its state."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from threadhub.kernel.streams.log import Item

if TYPE_CHECKING:
    from threadhub.kernel.acts import Act

    from .models import Operation


def tell(act: Act, operation: Operation, name: str = "", **more: Any) -> None:
    """Append `operation.<name>`, by default its state, and record the act."""
    act.append(operation.stream_id, event(operation, name or operation.state, **more))
    data = {"operation_id": str(operation.public_id), "kind": operation.kind}
    act.record(operation, outcome=operation.state, data={**data, **operation.progress, **more})


def event(operation: Operation, name: str, **more: Any) -> Item:
    """Return an event with the absolute values of the operation's row."""
    shown = {
        "operation_id": str(operation.public_id),
        "state": operation.state,
        **operation.progress,
        **more,
    }
    if operation.error:
        shown["error"] = operation.error
    return Item(f"operation.{name}", shown)
