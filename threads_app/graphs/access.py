"""Who opens a graph, and what for: what a factory is told before it builds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from langgraph.store.memory import InMemoryStore
from langgraph_sdk.runtime import AccessContext as Access
from langgraph_sdk.runtime import _ExecutionRuntime, _ReadRuntime

if TYPE_CHECKING:
    from langgraph.checkpoint.base import BaseCheckpointSaver
    from langgraph.store.base import BaseStore


@dataclass(frozen=True, slots=True)
class GraphUser:
    """A person as LangGraph's factories see one; fields can be read as attributes or keys."""

    identity: str
    display_name: str = ""
    permissions: tuple[str, ...] = ()
    is_authenticated: bool = True

    def __getitem__(self, key: str) -> Any:
        if key not in self:
            raise KeyError(key)
        return getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return key in _USER_KEYS

    def __iter__(self) -> Iterator[str]:
        return iter(_USER_KEYS)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as LangGraph's server puts them into a config."""
        return {key: getattr(self, key) for key in _USER_KEYS}


_USER_KEYS = ("identity", "display_name", "permissions", "is_authenticated")

# Asks for a graph's shape where no person does; factories never see an empty user.
SYSTEM = GraphUser("threadhub", display_name="ThreadHub")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One use of a graph: a run, a change or a reading of state, or a look at its shape."""

    access: Access
    checkpointer: BaseCheckpointSaver[Any] | None = None
    store: BaseStore | None = None
    user: GraphUser = SYSTEM
    config: Mapping[str, Any] = field(default_factory=dict)
    # As the graph's context schema types it; only a run has one.
    context: Any = None

    def runtime(self) -> Any:
        """Return LangGraph's ServerRuntime for this use."""
        values: dict[str, Any] = {
            "access_context": self.access,
            "user": self.user,
            "store": self.store if self.store is not None else InMemoryStore(),
        }
        if self.access == "threads.create_run":
            return _ExecutionRuntime(**values, context=self.context)
        return _ReadRuntime(**values)

    def factory_config(self) -> dict[str, Any]:
        """Return a config of the factory's own, which it may change."""
        configurable = {
            **self.config.get("configurable", {}),
            "langgraph_auth_user": self.user.as_dict(),
            "langgraph_auth_user_id": self.user.identity,
        }
        metadata = dict(self.config.get("metadata", {}))
        return {**self.config, "configurable": configurable, "metadata": metadata}


INTROSPECTION = Operation(access="assistants.read")
