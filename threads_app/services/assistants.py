"""Make and change assistants; every change is a version."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError
from django.db.models import Max

from threadhub.kernel import acts
from threadhub.kernel.errors import Conflict, Invalid, NotVisible
from threadhub.kernel.ids import new_id
from threadhub.kernel.models import clean_metadata, clean_text
from threads_app.models import Assistant, AssistantVersion, Graph


class AssistantExists(Conflict):
    """Another assistant has this id."""

    code = "assistant_exists"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What an assistant adds to its graph."""

    name: str = "Untitled"
    text: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    context: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)

    def columns(self) -> dict[str, Any]:
        """Return the values of the columns. Raises Invalid."""
        if self.config.get("configurable") and self.context:
            raise BothGiven("Give either config.configurable or context, not both.")
        return {
            "name": clean_text(self.name)[:255],
            "text": clean_text(self.text),
            "config": self.config,
            "context": self.context,
            "metadata": clean_metadata(self.metadata),
        }


class BothGiven(Invalid):
    """`configurable` and `context` say the same thing twice; LangGraph answers 400."""

    status = 400
    code = "both_given"


def ensure_default(*, graph: Graph, now: datetime) -> Assistant:
    """Return the graph's default assistant, made on first use, inside the caller's act."""
    known = Assistant.objects.filter(graph=graph, owner=None).first()
    if known is not None:
        return known
    setup = Setup(name=graph.name, metadata={"created_by": "system"})
    return _insert(graph.assistant_id, graph, None, setup, now)


def create(
    *, graph: Graph, actor: Any, setup: Setup, now: datetime, public_id: UUID | None = None
) -> Assistant:
    """Create an assistant at version 1, owned by the actor. Raises AssistantExists, Invalid."""
    try:
        with acts.act("assistant.create") as act:
            assistant = _insert(public_id or new_id(), graph, actor, setup, now)
            act.record(assistant, data={"graph": graph.name})
    except IntegrityError:
        raise AssistantExists("An assistant with this id exists already.") from None
    return assistant


def _insert(public_id: UUID, graph: Graph, owner: Any, setup: Setup, now: datetime) -> Assistant:
    assistant = Assistant.objects.create(
        public_id=public_id,
        graph=graph,
        owner=owner,
        created_at=now,
        updated_at=now,
        **setup.columns(),
    )
    _keep(assistant, now)
    return assistant


def _keep(assistant: Assistant, now: datetime) -> None:
    AssistantVersion.objects.create(
        assistant=assistant,
        version=assistant.version,
        graph=assistant.graph,
        name=assistant.name,
        text=assistant.text,
        config=assistant.config,
        context=assistant.context,
        metadata=assistant.metadata,
        created_at=now,
    )


def change(
    *, assistant: Assistant, now: datetime, graph: Graph | None = None, **given: Any
) -> Assistant:
    """Make a new version with what is given and put it in force. Raises Invalid.

    `given` holds any of the fields of Setup; metadata is merged, the rest replaced.
    """
    with acts.act("assistant.change") as act:
        locked = _locked(assistant)
        metadata = {**locked.metadata, **given.pop("metadata", {})}
        before = {name: getattr(locked, name) for name in ("name", "text", "config", "context")}
        setup = Setup(**{**before, **given, "metadata": metadata})
        for name, value in setup.columns().items():
            setattr(locked, name, value)
        locked.graph = graph or locked.graph
        latest = locked.versions.aggregate(latest=Max("version"))["latest"]
        locked.version = (latest or 0) + 1
        locked.updated_at = now
        locked.save()
        _keep(locked, now)
        act.record(locked, data={"version": locked.version})
    return locked


def put_in_force(*, assistant: Assistant, version: int, now: datetime) -> Assistant:
    """Make an earlier version the one that runs use. Raises NotVisible for an unknown one."""
    with acts.act("assistant.put_in_force") as act:
        locked = _locked(assistant)
        kept = locked.versions.filter(version=version).select_related("graph").first()
        if kept is None:
            raise NotVisible(f"This assistant has no version {version}.")
        for name in ("graph", "name", "text", "config", "context", "metadata", "version"):
            setattr(locked, name, getattr(kept, name))
        locked.updated_at = now
        locked.save()
        act.record(locked, data={"version": version})
    return locked


def delete(*, assistant: Assistant) -> None:
    """Delete the assistant with its versions; runs keep what they were asked."""
    with acts.act("assistant.delete") as act:
        locked = _locked(assistant)
        if locked.owner_id is None:
            raise Conflict("The default assistant of a graph stays as long as the graph does.")
        act.record(locked)
        locked.delete()


def _locked(assistant: Assistant) -> Assistant:
    rows = Assistant.objects.select_for_update(no_key=True, of=("self",)).select_related("graph")
    locked = rows.filter(pk=assistant.pk).first()
    if locked is None:
        raise NotVisible("There is no such assistant.")
    return locked
