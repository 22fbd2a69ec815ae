"""From the body of a request to the order of a run."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from threadhub.kernel.errors import Invalid
from threads_app.services.assistants import BothGiven
from threads_app.services.runs import RunOrder

if TYPE_CHECKING:
    from rest_framework.request import Request

KEY_LENGTH = 255


def order(request: Request, given: dict[str, Any]) -> RunOrder:
    """Return what the body orders. Raises Invalid, BothGiven."""
    config = given.get("config") or {}
    if config.get("configurable") and given.get("context"):
        raise BothGiven("Give either config.configurable or context, not both.")
    key = idempotency_key(request)
    return RunOrder(
        input=given.get("input"),
        command=given.get("command"),
        config=config,
        context=given.get("context"),
        metadata=given.get("metadata") or {},
        options={
            "stream_modes": modes(given),
            "stream_subgraphs": given["stream_subgraphs"],
            "interrupt_before": _nodes(given.get("interrupt_before")),
            "interrupt_after": _nodes(given.get("interrupt_after")),
            "checkpoint": _checkpoint(given, config),
        },
        strategy=given["multitask_strategy"],
        durability=given["durability"],
        after_seconds=given["after_seconds"],
        idempotency_key=key,
        digest=_digest(request) if key else "",
    )


def modes(given: dict[str, Any]) -> list[str]:
    """Return the stream modes a body asks for."""
    return given.get("stream_mode") or ["values"]


def _nodes(given: list[str] | None) -> Any:
    return "*" if given == ["*"] else given


def _checkpoint(given: dict[str, Any], config: dict[str, Any]) -> dict[str, Any] | None:
    """Return the checkpoint to start from, which clients name in three places."""
    named = given.get("checkpoint") or {}
    configurable = config.get("configurable", {})
    if named.get("checkpoint_ns") or configurable.get("checkpoint_ns"):
        raise Invalid("A run starts from a checkpoint of the thread, not of a subgraph.")
    candidates = (given.get("checkpoint_id"), named.get("checkpoint_id"))
    found = next(filter(None, (*candidates, configurable.get("checkpoint_id"))), None)
    return {"checkpoint_id": str(found)} if found else None


def placed(found: RunOrder, *, place: int) -> RunOrder:
    """Return the order as one of several that a request gives, each with a key of its own."""
    if found.idempotency_key is None:
        return found
    key = hashlib.sha256(f"{place} {found.idempotency_key}".encode()).hexdigest()
    return replace(found, idempotency_key=key)


def idempotency_key(request: Request) -> str | None:
    """Return the key under which the request may be repeated. Raises Invalid."""
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > KEY_LENGTH or not key.isprintable():
        raise Invalid(f"Idempotency-Key must be text of at most {KEY_LENGTH} characters.")
    return key or None


def _digest(request: Request) -> str:
    text = json.dumps([request.path, request.data], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()
