"""What the routes about the store accept and answer, in the shapes of LangGraph's API."""

from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers


@extend_schema_field(OpenApiTypes.STR)
class AnyText(serializers.Field[str, Any, str, Any]):
    """A text as it is, with what other fields trim or refuse."""

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        if not isinstance(data, str):
            raise serializers.ValidationError("This is no text.")
        return data

    def to_representation(self, value: str) -> str:
        """Return the text."""
        return value


class Namespace(serializers.ListField):
    """The labels of a namespace."""

    child = AnyText()


class PutItemInput(serializers.Serializer[Any]):
    """PUT /store/items."""

    namespace = Namespace()
    key = AnyText()
    value = serializers.DictField()
    index = serializers.JSONField(required=False, allow_null=True)
    ttl = serializers.FloatField(required=False, allow_null=True)


class DeleteItemInput(serializers.Serializer[Any]):
    """DELETE /store/items."""

    namespace = Namespace(required=False, default=list)
    key = AnyText()


class GetItemQuery(serializers.Serializer[Any]):
    """GET /store/items: the labels are joined by periods, which none of them holds."""

    namespace = AnyText()
    key = AnyText()
    refresh_ttl = serializers.BooleanField(required=False, allow_null=True, default=None)


class SearchItemsInput(serializers.Serializer[Any]):
    """POST /store/items/search."""

    namespace_prefix = Namespace(required=False, allow_null=True)
    filter = serializers.DictField(required=False, allow_null=True)
    limit = serializers.IntegerField(default=10, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)
    query = serializers.CharField(required=False, allow_null=True, allow_blank=True)
    refresh_ttl = serializers.BooleanField(required=False, allow_null=True, default=None)


class ListNamespacesInput(serializers.Serializer[Any]):
    """POST /store/namespaces."""

    prefix = Namespace(required=False, allow_null=True)
    suffix = Namespace(required=False, allow_null=True)
    max_depth = serializers.IntegerField(required=False, allow_null=True, min_value=1)
    limit = serializers.IntegerField(default=100, min_value=1, max_value=1000)
    offset = serializers.IntegerField(default=0, min_value=0, max_value=1_000_000)


class ItemOutput(serializers.Serializer[Any]):
    """An item as the API shows it."""

    namespace = Namespace()
    key = AnyText()
    value = serializers.DictField()
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class FoundItemOutput(ItemOutput):
    """An item that a search found."""

    score = serializers.FloatField(allow_null=True)


class FoundItemsOutput(serializers.Serializer[Any]):
    """What a search found, latest first."""

    items = FoundItemOutput(many=True)


class NamespacesOutput(serializers.Serializer[Any]):
    """Namespaces in order."""

    namespaces = serializers.ListField(child=Namespace())
