"""What ThreadHub's own routes accept; those of LangGraph's API take what its clients send."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers


class StrictInput(serializers.Serializer[Any]):
    """A body or query that refuses what it does not know: a misspelled word would be lost."""

    def to_internal_value(self, data: Any) -> Any:
        """Return the checked values. Raises ValidationError naming every unknown key."""
        if isinstance(data, Mapping):
            known = ", ".join(self.fields)
            unknown = {str(key)[:100] for key in data if key not in self.fields}
            if unknown:
                said = f"Unknown. Known here: {known}."
                raise serializers.ValidationError({key: [said] for key in sorted(unknown)})
        return super().to_internal_value(data)
