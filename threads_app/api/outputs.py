"""What the routes answer, in the shapes of LangGraph's API."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from rest_framework import serializers

from threadhub.kernel.observability.redaction import MASK
from threads_app.models import Graph, Interrupt, Run, Thread
from threads_app.selectors import interrupts

# What LangGraph's clients name graph and assistant by; both are shown beside the metadata.
NAMED_BY_METADATA = {"graph_id", "assistant_id"}


class ThreadOutput(serializers.Serializer[Any]):
    """A thread as the API shows it."""

    thread_id = serializers.CharField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    state_updated_at = serializers.DateTimeField(allow_null=True)
    metadata = serializers.DictField()
    status = serializers.CharField()
    config = serializers.DictField()
    values = serializers.DictField(allow_null=True)
    interrupts = serializers.DictField()
    error = serializers.CharField(allow_null=True)
    title = serializers.CharField()
    graph_id = serializers.CharField(allow_null=True)
    owner = serializers.CharField()


class RunOutput(serializers.Serializer[Any]):
    """A run as the API shows it."""

    run_id = serializers.UUIDField()
    thread_id = serializers.CharField()
    assistant_id = serializers.UUIDField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    status = serializers.CharField()
    metadata = serializers.DictField()
    multitask_strategy = serializers.CharField()
    kwargs = serializers.DictField()
    attempt = serializers.IntegerField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    error = serializers.DictField(allow_null=True)
    usage = serializers.DictField()


class GraphOutput(serializers.Serializer[Any]):
    """A graph as the API shows it."""

    graph_id = serializers.CharField()
    assistant_id = serializers.UUIDField()
    project = serializers.CharField()
    target = serializers.CharField()
    description = serializers.CharField()
    status = serializers.CharField()
    form = serializers.CharField()
    problem = serializers.CharField()
    problem_code = serializers.CharField()
    notes = serializers.ListField(child=serializers.CharField())
    fingerprint = serializers.CharField()
    source_changed = serializers.BooleanField()
    loaded_at = serializers.DateTimeField(allow_null=True)


class GraphDetailOutput(GraphOutput):
    """A graph with its drawing, schemas, channels and interrupt points."""

    structure = serializers.DictField()
    check = serializers.DictField()


class StateOutput(serializers.Serializer[Any]):
    """LangGraph's ThreadState."""

    values = serializers.JSONField()
    next = serializers.ListField(child=serializers.CharField())
    tasks = serializers.ListField(child=serializers.DictField())
    metadata = serializers.DictField(allow_null=True)
    created_at = serializers.DateTimeField(allow_null=True)
    checkpoint = serializers.DictField(allow_null=True)
    parent_checkpoint = serializers.DictField(allow_null=True)
    interrupts = serializers.ListField(child=serializers.DictField())


class StateUpdatedOutput(serializers.Serializer[Any]):
    """Where an update of the state was written."""

    checkpoint = serializers.DictField()


class InterruptOutput(serializers.Serializer[Any]):
    """A question as the API shows it."""

    id = serializers.IntegerField()
    interrupt_id = serializers.CharField()
    thread_id = serializers.CharField()
    run_id = serializers.UUIDField()
    node = serializers.CharField()
    namespace = serializers.CharField()
    checkpoint_id = serializers.CharField()
    value = serializers.JSONField()
    response_schema = serializers.DictField(allow_null=True)
    status = serializers.CharField()
    created_at = serializers.DateTimeField()
    answered_at = serializers.DateTimeField(allow_null=True)
    answered_by = serializers.CharField(allow_null=True)
    claimed_at = serializers.DateTimeField(allow_null=True)
    claimed_by = serializers.CharField(allow_null=True)


class ErrorOutput(serializers.Serializer[Any]):
    """Every error of the API."""

    detail = serializers.CharField()
    code = serializers.CharField()
    fields = serializers.DictField(required=False)  # type: ignore[assignment]
    correlation_id = serializers.CharField()


def threads(rows: Sequence[Thread]) -> list[dict[str, Any]]:
    """Return threads as JSON; one query for all their open questions.

    Of a thread whose `is_told` says that the caller may only view it, the state is left out.
    """
    asked = interrupts.waiting(row for row in rows if _is_read(row))
    return [
        _thread(row, asked[row.pk]) if _is_read(row) else _masked(_thread(row, ())) for row in rows
    ]


def _is_read(row: Thread) -> bool:
    return bool(getattr(row, "is_told", False))


def _masked(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the catalogue row alone: which keys the metadata has is no secret, its values are."""
    metadata, error = _hidden(shown["metadata"]), MASK if shown["error"] else None
    return {**shown, "metadata": metadata, "config": {}, "values": None, "error": error}


def _hidden(metadata: dict[str, Any]) -> dict[str, Any]:
    return {key: value if key in NAMED_BY_METADATA else MASK for key, value in metadata.items()}


def _thread(row: Thread, asked: Sequence[Interrupt]) -> dict[str, Any]:
    return {
        "thread_id": row.public_id,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "state_updated_at": row.state_updated_at,
        "metadata": row.metadata,
        "status": row.status,
        "config": row.config,
        "values": row.values_preview,
        "interrupts": _by_task(asked),
        "error": row.error or None,
        "title": row.title,
        "graph_id": row.graph.name if row.graph else None,
        "owner": row.owner.get_username(),
    }


def _by_task(asked: Sequence[Interrupt]) -> dict[str, list[dict[str, Any]]]:
    """Return questions as LangGraph's clients expect them: a list for each task."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in asked:
        schema = {"response_schema": row.response_schema} if row.response_schema else {}
        found[row.task_id].append({"id": row.interrupt_id, "value": row.value, **schema})
    return found


def selected(
    shown: Sequence[dict[str, Any]], fields: Collection[str] | None
) -> list[dict[str, Any]]:
    """Return only these fields of each object; all of them when none is named."""
    if not fields:
        return list(shown)
    return [{name: row[name] for name in fields} for row in shown]


def state(shown: dict[str, Any], parts: Sequence[str] | None) -> dict[str, Any]:
    """Return only these parts of a state; all of it when none is named."""
    if not parts:
        return shown
    found: dict[str, Any] = {}
    for part in parts:
        name, _, channel = part.partition(".")
        if not channel or name in parts:
            found[name] = shown[name]
        elif channel in shown[name]:
            found.setdefault(name, {})[channel] = shown[name][channel]
    return found


def run(row: Run, *, is_told: bool = True) -> dict[str, Any]:
    """Return a run as JSON, without its order for whoever may only start it.

    An order may hold what others gave before. LangGraph's clients know `cancelled` as
    `interrupted`.
    """
    shown = _run(row)
    if is_told:
        return shown
    error = shown["error"] and {**shown["error"], "message": MASK}
    return {**shown, "metadata": _hidden(row.metadata), "kwargs": {}, "error": error}


def _run(row: Run) -> dict[str, Any]:
    failed = {"kind": row.error_kind, "error": row.error_class, "message": row.error_message}
    return {
        "run_id": str(row.public_id),
        "thread_id": row.thread.public_id,
        "assistant_id": str(row.assistant_id),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "status": "interrupted" if row.status == Run.Status.CANCELLED else row.status,
        "metadata": row.metadata,
        "multitask_strategy": row.strategy,
        "kwargs": {"input": row.input, "command": row.command, "config": row.config},
        "attempt": row.attempt,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "error": failed if row.error_class else None,
        "usage": row.usage,
    }


def graph(row: Graph, changed: Collection[str], *, detail: bool = False) -> dict[str, Any]:
    """Return a graph as JSON; `changed` names the projects whose files are newer."""
    shown = {
        "graph_id": row.name,
        "assistant_id": str(row.assistant_id),
        "project": row.project,
        "target": row.target,
        "description": row.text,
        "status": row.status,
        "form": row.form,
        "problem": row.problem,
        "problem_code": row.problem_code,
        "notes": row.notes,
        "fingerprint": row.fingerprint,
        "source_changed": row.project in changed,
        "loaded_at": row.loaded_at,
    }
    if not detail:
        return shown
    return {**shown, "structure": row.description, "check": row.check_report}


def interrupt(row: Interrupt, *, is_told: bool = True) -> dict[str, Any]:
    """Return a question as JSON; what it asks only where the caller may read it."""
    return {
        "id": row.pk,
        "interrupt_id": row.interrupt_id,
        "thread_id": row.thread.public_id,
        "run_id": str(row.run.public_id),
        "node": row.node,
        "namespace": row.namespace,
        "checkpoint_id": row.checkpoint_id,
        "value": row.value if is_told else None,
        "response_schema": row.response_schema if is_told else None,
        "status": row.status,
        "created_at": row.created_at,
        "answered_at": row.answered_at,
        "answered_by": row.answered_by.get_username() if row.answered_by else None,
        "claimed_at": row.claimed_at,
        "claimed_by": row.claimed_by.get_username() if row.claimed_by else None,
    }
