"""Fields that several bodies and queries share."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from threadhub.kernel.errors import Invalid, NotAvailable
from threadhub.kernel.models import clean_metadata

STREAM_MODES = (
    "values",
    "updates",
    "messages",
    "messages-tuple",
    "custom",
    "tasks",
    "checkpoints",
    "debug",
)


class MetadataInput(serializers.DictField):
    """A JSON object within the metadata limits."""

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Return the cleaned object."""
        try:
            return clean_metadata(super().to_internal_value(data))
        except Invalid as error:
            raise serializers.ValidationError(error.message) from error


class OneOrMany(serializers.ListField):
    """A list of words, or one word."""

    def to_internal_value(self, data: Any) -> list[Any]:
        """Return a list."""
        return super().to_internal_value([data] if isinstance(data, str) else data)


class NotYet(serializers.JSONField):
    """A parameter without effect here: whoever sends it is told so, with 501."""

    def __init__(self, operation: str, *, default_word: str = "") -> None:
        super().__init__(required=False, allow_null=True, help_text="Not available yet.")
        self._operation = operation
        self._harmless: tuple[Any, ...] = (False, "", [], {}, default_word)

    def to_internal_value(self, data: Any) -> Any:
        """Refuse everything but what means the same as nothing."""
        if data not in self._harmless:
            raise NotAvailable(self._operation)
        return data


class Choice(serializers.ChoiceField):
    """One of some words; those LangGraph knows and ThreadHub does not yet are refused by 501."""

    def __init__(self, choices: Any, *, missing: dict[str, str], **more: Any) -> None:
        super().__init__(choices, **more)
        self._missing = missing

    def to_internal_value(self, data: Any) -> Any:
        """Return the word."""
        if isinstance(data, str) and data in self._missing:
            raise NotAvailable(self._missing[data])
        return super().to_internal_value(data)


def stream_modes() -> OneOrMany:
    """Return the field of the stream modes a client wants to see."""
    missing = {"events": "Streaming in the mode events"}
    child = Choice(STREAM_MODES, missing=missing)
    return OneOrMany(child=child, required=False, allow_null=True)


def cancel_action() -> Choice:
    """Return the field of what becomes of what a canceled run has written."""
    missing = {"rollback": "Rolling a run back"}
    return Choice(["interrupt"], missing=missing, default="interrupt")
