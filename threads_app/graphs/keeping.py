"""What a project wants kept, how long and how found: its `store` and `checkpointer` keys."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from threads_app.graphs.shapes import ProjectError, number_in, object_in


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreSettings:
    """The project's `store`. Times are minutes, None where nothing expires."""

    has_index: bool = False
    default_ttl: float | None = None
    sweep_minutes: float | None = None
    is_refreshed_on_read: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointSettings:
    """The project's `checkpointer`. Times are minutes, None where nothing expires."""

    serde_allowlist: frozenset[tuple[str, ...]] = frozenset()
    default_ttl: float | None = None
    sweep_minutes: float | None = None
    # LangGraph's words: "delete" or "keep_latest".
    strategy: str = "delete"


def read_store(content: Mapping[str, Any], file: Path, warnings: list[str]) -> StoreSettings:
    """Return what `store` asks for; what is not followed is said in `warnings`."""
    store = object_in(content, "store", file)
    ttl = object_in(store, "ttl", file)
    if store.get("index"):
        warnings.append(
            "store.index is not used: there is no embedding, so the store's search is by filter."
        )
    unused = sorted(set(store) - {"index", "ttl"})
    warnings += [f"store.{key} is not used." for key in unused]
    return StoreSettings(
        has_index=bool(store.get("index")),
        default_ttl=number_in(ttl, "default_ttl", file),
        sweep_minutes=number_in(ttl, "sweep_interval_minutes", file),
        is_refreshed_on_read=ttl.get("refresh_on_read", True) is not False,
    )


def read_checkpointer(
    content: Mapping[str, Any], file: Path, warnings: list[str]
) -> CheckpointSettings:
    """Return what `checkpointer` asks for; what is not followed is said in `warnings`."""
    checkpointer = object_in(content, "checkpointer", file)
    ttl = object_in(checkpointer, "ttl", file)
    if "path" in checkpointer:
        warnings.append("checkpointer.path is not used: ThreadHub's own saver keeps the state.")
    if ttl:
        warnings.append("checkpointer.ttl is not used yet: nothing expires by itself.")
    return CheckpointSettings(
        serde_allowlist=_allowlist(checkpointer, file, warnings),
        default_ttl=number_in(ttl, "default_ttl", file),
        sweep_minutes=number_in(ttl, "sweep_interval_minutes", file),
        strategy=str(ttl.get("strategy", "delete")),
    )


def _allowlist(
    checkpointer: Mapping[str, Any], file: Path, warnings: list[str]
) -> frozenset[tuple[str, ...]]:
    serde = object_in(checkpointer, "serde", file)
    unused = sorted(set(serde) - {"allowed_msgpack_modules"})
    warnings += [f"checkpointer.serde.{key} is not used." for key in unused]
    value = serde.get("allowed_msgpack_modules") or []
    if value is True:
        warnings.append(
            "checkpointer.serde.allowed_msgpack_modules is true, which would allow any type: "
            "not followed, list the types instead."
        )
        return frozenset()
    if not isinstance(value, list) or not all(_is_type_name(item) for item in value):
        raise ProjectError(
            f"{file}: checkpointer.serde.allowed_msgpack_modules must be a list of "
            f'["module", "Type"] pairs.'
        )
    return frozenset(tuple(item) for item in value)


def _is_type_name(item: object) -> bool:
    return (
        isinstance(item, list)
        and len(item) > 1
        and all(isinstance(part, str) and part for part in item)
    )
