"""What the routes about sessions accept."""

from __future__ import annotations

import json
from typing import Any

from rest_framework import serializers

from sessions_app.models import Dependency, Session, SessionThreadAssociation
from sessions_app.models.session import PARALLEL_LIMIT_MOST
from threadhub.coordination import blueprints
from threadhub.coordination.blueprints import EdgeDraft, MemberDraft
from threadhub.kernel.api.inputs import StrictInput
from threadhub.kernel.errors import Invalid
from threadhub.kernel.models import clean_metadata
from threads_app.api.fields import MetadataInput
from threads_app.api.inputs import METADATA_SEARCH_LENGTH
from threads_app.api.run_inputs import ConfigInput, RunCreateInput


class Name(serializers.CharField):
    """The name of a thread in its session, in the one form in which it is stored."""

    def __init__(self, **more: Any) -> None:
        super().__init__(trim_whitespace=False, **more)

    def to_internal_value(self, data: Any) -> str:
        """Return the name."""
        return blueprints.normal(super().to_internal_value(data))


class MemberInput(StrictInput):
    """A thread of a session."""

    name = Name()
    assistant_id = serializers.CharField(required=False, allow_null=True, max_length=255)
    thread_id = serializers.CharField(required=False, allow_null=True, max_length=255)
    type = serializers.ChoiceField(SessionThreadAssociation.Type.choices, default="work")
    input = serializers.JSONField(required=False, allow_null=True)
    config = ConfigInput(required=False, allow_null=True)
    context = serializers.DictField(required=False, allow_null=True)  # type: ignore[assignment]
    title = serializers.CharField(default="", allow_blank=True, max_length=255)
    metadata = MetadataInput(required=False, allow_null=True)


class DependencyInput(StrictInput):
    """`to` waits for `from`, both by name."""

    to = Name()
    kind = serializers.ChoiceField(Dependency.Kind.choices, default="sequential")
    mapping = serializers.DictField(
        child=serializers.CharField(allow_blank=True, trim_whitespace=False), default=dict
    )

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` is a word of Python's own."""
        return {"from": Name(), **super().get_fields()}


class SessionCreateInput(StrictInput):
    """POST /sessions."""

    title = serializers.CharField(default="", allow_blank=True, max_length=255)
    metadata = MetadataInput(required=False, allow_null=True)
    policy = serializers.ChoiceField(Session.Policy.choices, default="best_effort")
    parallel_limit = serializers.IntegerField(default=4, min_value=1, max_value=PARALLEL_LIMIT_MOST)
    threads = MemberInput(many=True, default=list)
    dependencies = DependencyInput(many=True, default=list)
    start = serializers.BooleanField(default=False)


class SessionUpdateInput(StrictInput):
    """PATCH /sessions/{session_id}."""

    title = serializers.CharField(required=False, allow_blank=True, max_length=255)
    metadata = MetadataInput(required=False)
    policy = serializers.ChoiceField(Session.Policy.choices, required=False)
    parallel_limit = serializers.IntegerField(
        required=False, min_value=1, max_value=PARALLEL_LIMIT_MOST
    )


class PageQuery(StrictInput):
    """Which page of a list."""

    limit = serializers.IntegerField(default=20, min_value=1, max_value=100)
    cursor = serializers.CharField(default="", max_length=200)


class SessionListQuery(PageQuery):
    """GET /sessions; `metadata` is a JSON object."""

    status = serializers.ChoiceField(Session.Status.choices, required=False)
    metadata = serializers.CharField(required=False, max_length=METADATA_SEARCH_LENGTH)

    def validate_metadata(self, text: str) -> dict[str, Any]:
        """Return the object that the text is."""
        try:
            return clean_metadata(json.loads(text))
        except (ValueError, RecursionError, Invalid):
            raise serializers.ValidationError("This must be a JSON object.") from None


class MemberRunInput(RunCreateInput):
    """POST /sessions/{session_id}/threads/{name}/runs; the member says what is left out."""

    assistant_id = serializers.CharField(required=False, max_length=255)


def member(given: dict[str, Any]) -> MemberDraft:
    """Return the thread that a body describes."""
    return MemberDraft(
        name=given["name"],
        assistant_id=given.get("assistant_id"),
        thread_id=given.get("thread_id"),
        type=given["type"],
        input=given.get("input"),
        config=given.get("config") or {},
        context=given.get("context"),
        title=given["title"],
        metadata=given.get("metadata") or {},
    )


def dependency(given: dict[str, Any]) -> EdgeDraft:
    """Return the dependency that a body describes."""
    return EdgeDraft(
        upstream=given["from"],
        downstream=given["to"],
        kind=given["kind"],
        mapping=given["mapping"],
    )
