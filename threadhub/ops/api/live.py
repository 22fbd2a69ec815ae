"""The live protocol without a socket."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.response import Response

from threadhub.kernel.api.inputs import StrictInput
from threadhub.kernel.api.views import ProtectedView, queried
from threadhub.kernel.realtime import answers, messages
from threads_app.api.outputs import ErrorOutput

if TYPE_CHECKING:
    from rest_framework.request import Request


class LiveQuery(StrictInput):
    """GET /live: what a `sub` says."""

    topic = serializers.CharField(max_length=messages.TOPIC_LENGTH)
    since = serializers.IntegerField(required=False, min_value=0, max_value=2**63 - 1)
    epoch = serializers.CharField(default="", max_length=messages.TOPIC_LENGTH)


class MessageOutput(serializers.Serializer[Any]):
    """A message as a socket carries it: `snapshot`, `events` or `denied`; see docs/live.md."""

    type = serializers.CharField()
    topic = serializers.CharField()
    epoch = serializers.CharField(required=False)
    seq = serializers.IntegerField(required=False)
    data = serializers.JSONField(required=False)  # type: ignore[assignment]
    to = serializers.IntegerField(required=False)
    dropped = serializers.IntegerField(required=False)
    items = serializers.ListField(child=serializers.DictField(), required=False)

    def get_fields(self) -> dict[str, Any]:
        """Return the fields; `from` is a word of Python's own."""
        return {**super().get_fields(), "from": serializers.IntegerField(required=False)}


class LiveView(ProtectedView):
    """/live. Each topic asks for the rights on what it is about."""

    @extend_schema(
        operation_id="live",
        parameters=[LiveQuery],
        responses={200: MessageOutput(many=True), 422: ErrorOutput},
    )
    def get(self, request: Request) -> Response:
        """Return what a socket that subscribes now would be sent at once."""
        given = queried(LiveQuery, request)
        since, epoch = given.get("since"), given["epoch"]
        return Response(answers.answer(request.user, given["topic"], since=since, epoch=epoch))
