"""What the routes about sessions answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rest_framework import serializers

from sessions_app.selectors import members, plans
from threadhub.kernel.observability.redaction import MASK

if TYPE_CHECKING:
    from sessions_app.models import Dependency, Plan, PlanNode, Session, SessionThreadAssociation


class SessionOutput(serializers.Serializer[Any]):
    """A session as lists show it."""

    session_id = serializers.UUIDField()
    title = serializers.CharField()
    status = serializers.CharField()
    policy = serializers.CharField()
    parallel_limit = serializers.IntegerField()
    metadata = serializers.DictField()
    owner = serializers.CharField()
    version = serializers.IntegerField()
    thread_count = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()
    archived_at = serializers.DateTimeField(allow_null=True)


class MemberOutput(serializers.Serializer[Any]):
    """A thread of a session."""

    name = serializers.CharField()
    thread_id = serializers.CharField()
    type = serializers.CharField()
    status = serializers.CharField()
    assistant_id = serializers.UUIDField(allow_null=True)
    metadata = serializers.DictField()
    version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class MemberDetailOutput(MemberOutput):
    """A thread of a session with what its runs are given."""

    input = serializers.JSONField()
    config = serializers.DictField()
    context = serializers.DictField(allow_null=True)  # type: ignore[assignment]


class DependencyOutput(serializers.Serializer[Any]):
    """A dependency between two threads of a session."""

    to = serializers.CharField()
    kind = serializers.CharField()
    mapping = serializers.DictField(child=serializers.CharField())

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` is a word of Python's own."""
        return {"from": serializers.CharField(), **super().get_fields()}


class PlanOutput(serializers.Serializer[Any]):
    """A plan as lists show it."""

    plan_id = serializers.UUIDField()
    status = serializers.CharField()
    policy = serializers.CharField()
    parallel_limit = serializers.IntegerField()
    started_by = serializers.CharField()
    created_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)


class NodeOutput(serializers.Serializer[Any]):
    """What a plan has made of one thread."""

    name = serializers.CharField()
    thread_id = serializers.CharField()
    status = serializers.CharField()
    level = serializers.IntegerField()
    reason = serializers.CharField()
    blocked_by = serializers.ListField(child=serializers.CharField())
    run_id = serializers.UUIDField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    output = serializers.JSONField()


class PlanDetailOutput(PlanOutput):
    """A plan with its threads."""

    nodes = NodeOutput(many=True)


class SessionDetailOutput(SessionOutput):
    """A session with its threads, dependencies and last plan."""

    threads = MemberOutput(many=True)
    dependencies = DependencyOutput(many=True)
    plan = PlanOutput(allow_null=True)


class SessionPageOutput(serializers.Serializer[Any]):
    """A page of sessions; `next` is the cursor of the one after it."""

    items = SessionOutput(many=True)
    next = serializers.CharField(allow_null=True)


class PlanPageOutput(serializers.Serializer[Any]):
    """A page of plans."""

    items = PlanOutput(many=True)
    next = serializers.CharField(allow_null=True)


def session(row: Session, *, thread_count: int) -> dict[str, Any]:
    """Return a session as JSON."""
    return {
        "session_id": str(row.public_id),
        "title": row.title,
        "status": row.status,
        "policy": row.policy,
        "parallel_limit": row.parallel_limit,
        "metadata": _labels(row.metadata, is_told=is_told(row)),
        "owner": row.owner.get_username(),
        "version": row.version,
        "thread_count": thread_count,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "archived_at": row.archived_at,
    }


def session_detail(row: Session) -> dict[str, Any]:
    """Return a session with its threads, dependencies and last plan as JSON; 3 queries."""
    threads = [member(found, is_told=is_told(row)) for found in members.of(row)]
    last = plans.last(row)
    return {
        **session(row, thread_count=len(threads)),
        "threads": threads,
        "dependencies": [dependency(edge) for edge in members.dependencies(row)],
        "plan": plan(last) if last else None,
    }


def is_told(row: Session | Plan) -> bool:
    """Say whether the caller may read the session, or the plan's, or only view it."""
    return bool(getattr(row, "is_told", False))


def _labels(metadata: dict[str, Any], *, is_told: bool) -> dict[str, Any]:
    """Return metadata; which keys it has is no secret, its values are."""
    return metadata if is_told else dict.fromkeys(metadata, MASK)


def member(row: SessionThreadAssociation, *, is_told: bool) -> dict[str, Any]:
    """Return a thread of a session as JSON."""
    return {
        "name": row.thread_name,
        "thread_id": row.thread.public_id,
        "type": row.type,
        "status": row.thread.status,
        "assistant_id": str(row.assistant_id) if row.assistant_id else None,
        "metadata": _labels(row.metadata, is_told=is_told),
        "version": row.version,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }


def member_detail(row: SessionThreadAssociation) -> dict[str, Any]:
    """Return a thread of a session with what its runs are given."""
    shown = member(row, is_told=True)
    return {**shown, "input": row.input, "config": row.config, "context": row.context}


def dependency(row: Dependency) -> dict[str, Any]:
    """Return a dependency as JSON."""
    return {
        "from": row.upstream.thread_name,
        "to": row.downstream.thread_name,
        "kind": row.kind,
        "mapping": row.mapping,
    }


def plan(row: Plan) -> dict[str, Any]:
    """Return a plan as JSON."""
    return {
        "plan_id": str(row.public_id),
        "status": row.status,
        "policy": row.policy,
        "parallel_limit": row.parallel_limit,
        "started_by": row.actor.get_username(),
        "created_at": row.created_at,
        "finished_at": row.finished_at,
    }


def plan_detail(row: Plan, *, is_told: bool) -> dict[str, Any]:
    """Return a plan with its threads as JSON, outputs and reasons for readers; 1 query."""
    shown = [_node(found) for found in plans.nodes(row)]
    if not is_told:
        shown = [{**node, "reason": "", "output": None} for node in shown]
    return {**plan(row), "nodes": shown}


def _node(row: PlanNode) -> dict[str, Any]:
    return {
        "name": row.association.thread_name,
        "thread_id": row.association.thread.public_id,
        "status": row.status,
        "level": row.level,
        "reason": row.reason,
        "blocked_by": row.blocked_by,
        "run_id": str(row.run.public_id) if row.run else None,
        "started_at": row.started_at,
        "finished_at": row.finished_at,
        "output": row.output_preview,
    }
