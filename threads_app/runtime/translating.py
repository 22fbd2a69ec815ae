"""LangGraph's stream parts as stream items.

Always stored, compactly: tasks without their input, checkpoints without their values,
updates, tokens and custom events. In full only what the run's client asked for; large
`values` as the id of the checkpoint that holds them, so that the log grows with what
happened and not with the square of it.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from langchain_core.messages import BaseMessage, BaseMessageChunk

from threadhub.kernel import clock
from threadhub.kernel.streams.log import Item
from threads_app.graphs.encoding import plain

INLINE_VALUES = 8 * 1024

_TOKEN_METADATA = (
    "langgraph_node",
    "langgraph_step",
    "langgraph_checkpoint_ns",
    "ls_provider",
    "ls_model_name",
    "tags",
)


class Steps:
    """Counts the steps of each namespace as LangGraph does; tasks do not say which they are of."""

    def __init__(self) -> None:
        self._stored: dict[str, int] = {}
        self._counted: dict[str, tuple[int, bool]] = {}

    def of_checkpoint(self, where: str, data: dict[str, Any]) -> int:
        """Return the step a checkpoint ended."""
        self._stored[where] = step = int(data["metadata"].get("step", -1))
        return step

    def of_task(self, where: str, *, is_start: bool) -> int:
        """Return the step of a task that starts or ends now."""
        if where in self._stored:
            return self._stored[where] + 1
        # Without checkpoints: what starts after something ended is of the next step.
        step, has_ended = self._counted.get(where, (1, False))
        if is_start and has_ended:
            step, has_ended = step + 1, False
        self._counted[where] = (step, has_ended or not is_start)
        return step


class Translator:
    """Translates one run's stream, remembering what its result needs."""

    def __init__(self, *, requested: Sequence[str], run_id: str) -> None:
        self.values: Any = None
        self.next: tuple[str, ...] = ()
        self.is_interrupted = False
        self.usage: dict[str, int] = {}
        self._requested = frozenset(requested)
        self._run_id = UUID(run_id)
        self._held: dict[str, Any] = {}
        self._heads: dict[str, str] = {}
        self._steps = Steps()

    def translate(self, namespace: tuple[str, ...], mode: str, data: Any) -> list[Item]:
        """Return the items of one stream part, possibly none."""
        where = "|".join(namespace)
        match mode:
            case "values":
                return self._values(where, data)
            case "updates":
                return self._updates(where, data)
            case "tasks":
                return self._tasks(where, data)
            case "checkpoints":
                return self._checkpoint(where, data)
            case "messages":
                return self._messages(where, data)
            case _:
                return self._custom(where, data)

    def finish(self) -> list[Item]:
        """Return what was held back."""
        return [self._reference(where) for where in list(self._held)]

    def _item(self, kind: str, where: str, **payload: Any) -> Item:
        return Item(kind, {"ns": where, **payload}, self._run_id, clock.now())

    def _full(self, mode: str, where: str, data: Any) -> list[Item]:
        return [self._item(mode, where, data=plain(data))] if mode in self._requested else []

    def _debug(self, where: str, *, step: int, kind: str, data: Any) -> list[Item]:
        """Return what LangGraph's own debug mode makes of a task or checkpoint."""
        if "debug" not in self._requested:
            return []
        shown = {
            "step": step,
            "timestamp": clock.now().isoformat(),
            "type": kind,
            "payload": plain(data),
        }
        return [self._item("debug", where, data=shown)]

    def _values(self, where: str, data: Any) -> list[Item]:
        if not where:
            self.values = data
            self.is_interrupted = isinstance(data, dict) and "__interrupt__" in data
        if "values" not in self._requested:
            return []
        shown = plain(data)
        if len(json.dumps(shown)) <= INLINE_VALUES:
            return [self._item("values", where, data=shown)]
        asked = shown.get("__interrupt__") if isinstance(shown, dict) else None
        self._held[where] = asked
        return []

    def _reference(self, where: str) -> Item:
        asked = self._held.pop(where)
        more = {"interrupts": asked} if asked else {}
        return self._item("values", where, checkpoint_id=self._heads.get(where, ""), **more)

    def _updates(self, where: str, data: Any) -> list[Item]:
        if not where and isinstance(data, dict) and "__interrupt__" in data:
            self.is_interrupted = True
        return [self._item("updates", where, data=plain(data))]

    def _custom(self, where: str, data: Any) -> list[Item]:
        return [self._item("custom", where, data=plain(data))]

    def _tasks(self, where: str, data: dict[str, Any]) -> list[Item]:
        is_start = "input" in data
        if is_start:
            triggers = plain(data.get("triggers", ()))
            compact = self._item(
                "task.started", where, id=data["id"], name=data["name"], triggers=triggers
            )
        else:
            error = data.get("error")
            compact = self._item(
                "task.finished",
                where,
                id=data["id"],
                name=data["name"],
                error=type(error).__name__ if isinstance(error, BaseException) else plain(error),
                interrupts=[asked["id"] for asked in data.get("interrupts", ())],
            )
        step = self._steps.of_task(where, is_start=is_start)
        kind = "task" if is_start else "task_result"
        return [
            compact,
            *self._full("tasks", where, data),
            *self._debug(where, step=step, kind=kind, data=data),
        ]

    def _checkpoint(self, where: str, data: dict[str, Any]) -> list[Item]:
        compact = self._compact(where, data)
        if not where:
            self.next = tuple(data.get("next", ()))
        held = [self._reference(where)] if where in self._held else []
        step = self._steps.of_checkpoint(where, data)
        return [
            compact,
            *held,
            *self._full("checkpoints", where, data),
            *self._debug(where, step=step, kind="checkpoint", data=data),
        ]

    def _compact(self, where: str, data: dict[str, Any]) -> Item:
        place = data["config"]["configurable"]
        parent = (data.get("parent_config") or {}).get("configurable", {})
        self._heads[where] = place["checkpoint_id"]
        return self._item(
            "checkpoint",
            where,
            checkpoint_id=place["checkpoint_id"],
            parent_id=parent.get("checkpoint_id"),
            step=data["metadata"].get("step"),
            source=data["metadata"].get("source"),
            next=list(data.get("next", ())),
        )

    def _messages(self, where: str, data: tuple[BaseMessage, dict[str, Any]]) -> list[Item]:
        message, metadata = data
        for name, count in (getattr(message, "usage_metadata", None) or {}).items():
            if isinstance(count, int):
                self.usage = dict(Counter(self.usage) + Counter({name: count}))
        known = {name: metadata[name] for name in _TOKEN_METADATA if name in metadata}
        is_chunk = isinstance(message, BaseMessageChunk)
        shown = plain(message)
        return [self._item("messages", where, message=shown, metadata=plain(known), chunk=is_chunk)]
