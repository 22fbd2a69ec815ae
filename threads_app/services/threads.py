"""Create, change and delete threads."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.services import heads
from threadhub.kernel import acts, transactions
from threadhub.kernel.errors import Conflict, Invalid, NotVisible
from threadhub.kernel.ids import new_id
from threadhub.kernel.models import clean_metadata, clean_text
from threadhub.kernel.registry import Registry
from threadhub.kernel.streams import log, wakeups
from threadhub.kernel.streams.log import Item
from threads_app.models import Assistant, Graph, Interrupt, Run, Thread

SWEEP_BATCH = 100
# The floors above say here why a thread must stay: each raises Conflict for one that does,
# and names what the person who deletes it may see.
Guard = Callable[[Thread, Any], None]
deletion_guards: Registry[Guard] = Registry("Guard")

logger = logging.getLogger(__name__)


class ThreadExists(Conflict):
    """Another thread has this id."""

    code = "thread_exists"


def create(
    *,
    actor: Any,
    now: datetime,
    public_id: UUID | None = None,
    assistant: Assistant | None = None,
    title: str = "",
    metadata: dict[str, Any] | None = None,
    is_temporary: bool = False,
) -> Thread:
    """Create an idle thread without state, owned by the actor. Raises ThreadExists, Invalid.

    A temporary one is swept once its run has ended.
    """
    key = str(public_id or new_id())
    metadata = clean_metadata(metadata or {})
    try:
        with acts.act("thread.create") as act:
            thread = Thread.objects.create(
                public_id=key,
                graph=assistant.graph if assistant else None,
                owner=actor,
                head=heads.ensure(key=key),
                stream=log.open_stream(key=f"thread:{key}"),
                title=_title(title),
                metadata=_of(metadata, assistant.graph, assistant.public_id)
                if assistant
                else metadata,
                is_temporary=is_temporary,
                created_at=now,
                updated_at=now,
            )
            act.append(thread.stream_id, Item("thread.created", {"thread_id": key}))
            act.record(thread, data={"graph": assistant.graph.name if assistant else None})
    except IntegrityError:
        raise ThreadExists(f"A thread with the id {key} exists already.") from None
    return thread


def create_all(
    act: acts.Act, *, actor: Any, now: datetime, wanted: Sequence[tuple[Assistant | None, str]]
) -> list[Thread]:
    """Create idle threads, each of an assistant and with a title, in the caller's act; in order.

    A session may have a thousand of them, so they are written together. Raises Invalid.
    """
    keys = [str(new_id()) for _ in wanted]
    made = {f"thread:{key}": Item("thread.created", {"thread_id": key}) for key in keys}
    places = zip(keys, heads.create_all(keys=keys), log.open_streams(made), wanted, strict=True)
    rows = Thread.objects.bulk_create(
        Thread(
            public_id=key,
            graph=assistant.graph if assistant else None,
            owner=actor,
            head=head,
            stream=stream,
            title=_title(title),
            metadata=_of({}, assistant.graph, assistant.public_id) if assistant else {},
            created_at=now,
            updated_at=now,
        )
        for key, head, stream, (assistant, title) in places
    )
    for thread in rows:
        graph = thread.graph.name if thread.graph else None
        act.record(thread, act="thread.create", data={"graph": graph})
    return rows


def _title(title: str) -> str:
    title = clean_text(title).strip()
    if len(title) > 255:
        raise Invalid("The title is longer than 255 characters.", fields={"title": ["Too long."]})
    return title


def _of(metadata: dict[str, Any], graph: Graph, assistant_id: UUID) -> dict[str, Any]:
    """Return the metadata with the two keys by which LangGraph's clients search threads."""
    return {**metadata, "graph_id": graph.name, "assistant_id": str(assistant_id)}


def bind(*, thread: Thread, graph: Graph, assistant_id: UUID, now: datetime) -> None:
    """Make the thread one of this graph and assistant; inside the caller's act.

    Raises Conflict when the thread holds another graph's state.
    """
    metadata = _of(thread.metadata, graph, assistant_id)
    if thread.graph_id == graph.pk and metadata == thread.metadata:
        return
    if thread.graph_id not in {None, graph.pk} and thread.state_updated_at is not None:
        raise Conflict(
            f"This thread holds the state of the graph {thread.graph}; {graph} cannot "
            "continue it. Create another thread.",
            code="other_graph",
        )
    thread.graph = graph
    thread.metadata = metadata
    thread.updated_at = now
    thread.save(update_fields=["graph", "metadata", "updated_at"])


def locked(thread_id: int) -> Thread:
    """Return the thread, locked for the open act. Raises NotVisible when it is gone."""
    found = Thread.objects.select_for_update(no_key=True).filter(pk=thread_id).first()
    if found is None:
        raise NotVisible("There is no such thread.")
    return found


def change(
    *,
    thread: Thread,
    now: datetime,
    metadata: dict[str, Any] | None = None,
    title: str | None = None,
) -> Thread:
    """Merge keys into the metadata and set the title. Raises Invalid."""
    with acts.act("thread.change") as act:
        thread = locked(thread.pk)
        if metadata is not None:
            thread.metadata = clean_metadata({**thread.metadata, **metadata})
        if title is not None:
            thread.title = _title(title)
        thread.updated_at = now
        thread.save(update_fields=["metadata", "title", "updated_at"])
        act.append(thread.stream_id, Item("thread.changed", {"title": thread.title}))
        given = {"title": title, "metadata": metadata}
        act.record(thread, data={name: new for name, new in given.items() if new is not None})
    return thread


def keep(*, thread: Thread) -> None:
    """Make a temporary thread one that stays; inside the caller's act, which holds its lock."""
    if thread.is_temporary:
        thread.is_temporary = False
        thread.save(update_fields=["is_temporary"])


def resting_status(thread: Thread, run_status: str) -> str:
    """Return what the thread is once its run has ended that way."""
    if run_status in {"error", "timeout"}:
        return Thread.Status.ERROR
    if run_status == "interrupted" or Interrupt.objects.open().filter(thread=thread).exists():
        return Thread.Status.INTERRUPTED
    return Thread.Status.IDLE


def delete(
    *, thread: Thread, now: datetime, actor: Any = None, if_unused_since: datetime | None = None
) -> None:
    """Delete the thread with its runs, questions, events and checkpoints.

    A run under way is cut off: its fence is raised, so nothing it still writes is kept.
    Raises Conflict for a thread that something needs. With `if_unused_since` a thread stays
    that is not left over any more.
    """
    with acts.act("thread.delete") as act:
        locked = Thread.objects.select_for_update(no_key=True).filter(pk=thread.pk).first()
        if locked is None:
            return
        if if_unused_since is not None and not _is_left_over(locked, since=if_unused_since):
            return
        for name in deletion_guards:
            deletion_guards.get(name)(locked, actor)
        list(Run.objects.filter(thread=locked).order_by("id").select_for_update(no_key=True))
        heads.bury(key=locked.public_id, now=now)
        act.record(locked, data={"thread_id": locked.public_id})
        stream = locked.stream
        stream_id = stream.pk
        locked.delete()
        stream.delete()
        transactions.after_commit(lambda: _wake(stream_id))
    ThreadHubSaver().delete_thread(thread.public_id)


def _wake(stream_id: int) -> None:
    """Tell who watches a thread, or the list of threads, that it is gone."""
    wakeups.announce(stream_id)
    wakeups.announce_kinds(["thread.deleted"])


def _is_left_over(thread: Thread, *, since: datetime) -> bool:
    """Say so of a locked thread, to which nobody can give a run now."""
    return Thread.objects.left_over(before=since).filter(pk=thread.pk).exists()


def sweep(*, before: datetime, now: datetime) -> int:
    """Delete up to 100 temporary threads whose run ended before; return how many were."""
    left = Thread.objects.left_over(before=before).order_by("updated_at")[:SWEEP_BATCH]
    return sum(_swept(thread, before=before, now=now) for thread in left)


def _swept(thread: Thread, *, before: datetime, now: datetime) -> bool:
    try:
        delete(thread=thread, now=now, if_unused_since=before)
    except Exception:
        # Raised, it would keep the others for ever: the oldest comes first each time.
        logger.exception("A thread could not be swept; the next tick tries again.")
        return False
    return True
