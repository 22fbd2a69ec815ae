"""What a graph's state asks, and whether an answer has reached it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from langgraph.types import StateSnapshot

from threads_app.graphs.encoding import plain

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver

    from threads_app.graphs.loaded import AnyGraph

# LangGraph's channel of answers; its constant is private.
RESUME = "__resume__"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """An interrupt in the state. `answers`: how many its task has been given so far."""

    interrupt_id: str
    checkpoint_id: str
    namespace: str
    task_id: str
    node: str
    value: Any
    response_schema: dict[str, Any] | None
    answers: int


def in_state(graph: AnyGraph, saver: BaseCheckpointSaver[Any], key: str) -> tuple[Question, ...]:
    """Return the questions of the thread's latest state, those of subgraphs included."""
    snapshot = graph.get_state({"configurable": {"thread_id": key}}, subgraphs=True)
    return tuple(_walk(snapshot, saver, key))


def _walk(snapshot: StateSnapshot, saver: BaseCheckpointSaver[Any], key: str) -> list[Question]:
    found: list[Question] = []
    for task in snapshot.tasks:
        inner = _walk(task.state, saver, key) if isinstance(task.state, StateSnapshot) else []
        found.extend(inner or _asked_by(task, snapshot, saver, key))
    return found


def _asked_by(
    task: Any, snapshot: StateSnapshot, saver: BaseCheckpointSaver[Any], key: str
) -> list[Question]:
    if not task.interrupts:
        return []
    place = snapshot.config.get("configurable", {})
    namespace = str(place.get("checkpoint_ns", ""))
    checkpoint_id = str(place.get("checkpoint_id", ""))
    answers = count_answers(saver, key, namespace, checkpoint_id, task.id)
    return [
        Question(
            interrupt_id=asked.id,
            checkpoint_id=checkpoint_id,
            namespace=namespace,
            task_id=task.id,
            node=task.name,
            value=plain(asked.value),
            response_schema=plain(asked.response_schema)
            if isinstance(asked.response_schema, dict)
            else None,
            answers=answers,
        )
        for asked in task.interrupts
    ]


def count_answers(
    saver: BaseCheckpointSaver[Any], key: str, namespace: str, checkpoint_id: str, task_id: str
) -> int:
    """Return how many answers the task has taken at that checkpoint."""
    config: Any = {
        "configurable": {
            "thread_id": key,
            "checkpoint_ns": namespace,
            "checkpoint_id": checkpoint_id,
        }
    }
    stored = saver.get_tuple(config)
    writes: Iterable[Any] = (stored.pending_writes or ()) if stored else ()
    for writer, channel, value in writes:
        if writer == task_id and channel == RESUME:
            return len(value) if isinstance(value, list) else 1
    return 0
