"""LangGraph's snapshots of a state, in the shape its clients expect."""

from __future__ import annotations

from typing import Any

from langgraph.types import StateSnapshot

from .encoding import plain

EMPTY: dict[str, Any] = {
    "values": {},
    "next": [],
    "tasks": [],
    "metadata": None,
    "created_at": None,
    "checkpoint": None,
    "parent_checkpoint": None,
    "interrupts": [],
}
_PLACE = ("thread_id", "checkpoint_ns", "checkpoint_id", "checkpoint_map")


def shown(snapshot: StateSnapshot) -> dict[str, Any]:
    """Return a snapshot as JSON; that of a thread without state is EMPTY."""
    if snapshot.created_at is None:
        return EMPTY
    return {
        "values": plain(snapshot.values),
        "next": list(snapshot.next),
        "tasks": [_task(task) for task in snapshot.tasks],
        "metadata": plain(snapshot.metadata),
        "created_at": snapshot.created_at,
        "checkpoint": checkpoint(snapshot.config),
        "parent_checkpoint": checkpoint(snapshot.parent_config),
        "interrupts": plain(snapshot.interrupts),
    }


def checkpoint(config: Any) -> dict[str, Any] | None:
    """Return the place a config names, without LangGraph's own keys."""
    if not config:
        return None
    place = config.get("configurable", {})
    return {name: place[name] for name in _PLACE if name in place}


def _task(task: Any) -> dict[str, Any]:
    inner = task.state
    return {
        "id": task.id,
        "name": task.name,
        "path": plain(task.path),
        # What an exception says may be a secret; its class is none.
        "error": type(task.error).__name__ if task.error else None,
        "interrupts": plain(task.interrupts),
        "checkpoint": checkpoint(inner) if isinstance(inner, dict) else None,
        "state": shown(inner) if isinstance(inner, StateSnapshot) else None,
        "result": plain(getattr(task, "result", None)),
    }
