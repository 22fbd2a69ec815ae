"""What can be wrong with a value on its way to the store or back."""

from __future__ import annotations

import json

from threadhub.kernel.errors import Invalid


class UnreadableType(Invalid):
    """A value was refused at writing, because it would not come back as what it is."""

    code = "unreadable_type"

    def __init__(self, type_: type, reason: str, *, listable: bool, channel: str = "") -> None:
        self.type = type_
        self.reason = reason
        self.listable = listable
        self.channel = channel
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        name = f"{self.type.__module__}.{self.type.__qualname__}"
        where = f"Channel {self.channel!r} holds" if self.channel else "The value holds"
        text = f"{where} a {name}: {self.reason}."
        if self.listable:
            entry = [self.type.__module__, self.type.__name__]
            line = {"serde": {"allowed_msgpack_modules": [entry]}}
            text += f' Add to langgraph.json: "checkpointer": {json.dumps(line)}'
        return text

    def in_channel(self, channel: str) -> UnreadableType:
        """Return the same refusal, naming the channel the value stands in."""
        return UnreadableType(
            self.type, self.reason, listable=self.listable, channel=self.channel or channel
        )


class BlockedType(Invalid):
    """A stored value names a type that this graph may not rebuild."""

    code = "blocked_type"

    def __init__(self, module: str, name: str) -> None:
        line = {"serde": {"allowed_msgpack_modules": [[module, name]]}}
        super().__init__(
            f"A stored value is a {module}.{name}, which is not allowed here. If it is yours, "
            f'add to langgraph.json: "checkpointer": {json.dumps(line)}'
        )


class DamagedValue(Invalid):
    """Stored bytes that cannot be read back."""

    code = "damaged_value"
