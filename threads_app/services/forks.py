"""Go on from an earlier checkpoint: the head moves there, and nothing runs yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checkpoints_app.services import inspecting
from threadhub.kernel.errors import Conflict, Invalid
from threadhub.kernel.models import clean_text
from threadhub.kernel.streams.log import Item
from threads_app.graphs import retyping
from threads_app.models import Run, Thread
from threads_app.selectors import snapshots, values
from threads_app.services import state
from threads_app.services.state import Place, StateBusy, Writing

if TYPE_CHECKING:
    from datetime import datetime

NAME_LENGTH = 60
# LangGraph's word for going on from a checkpoint as it is.
_COPY = "__copy__"
# Labels in the metadata of a fork's first checkpoint.
BRANCH, BY, KEY = snapshots.BRANCH, snapshots.BY, "threadhub_key"


class HeadMoved(Conflict):
    """The thread has gone on since the person looked at it."""

    code = "head_moved"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """What a person asks for: where to go on from, with what, and what to call it."""

    checkpoint_id: str
    name: str
    reason: str = ""
    # JSON by channel, as the page showed it and the person left it.
    edits: Mapping[str, Any] = field(default_factory=dict)
    as_node: str = ""
    # The head the person saw; the same key again returns the fork that was made.
    head: str = ""
    key: str = ""


def create(*, thread: Thread, fork: Fork, actor: Any, now: datetime) -> str:
    """Make the new head and return its checkpoint's id; its nodes run when somebody says so.

    Without edits and node it is the checkpoint again, with the same nodes next; else it is as
    if the node had written the edits. Raises StateBusy while runs are pending or running,
    HeadMoved, Invalid naming fields, NotVisible for an unknown checkpoint.
    """
    if (made := _made(thread, fork)) is not None:
        return made
    name = clean_text(fork.name).strip()
    if not 0 < len(name) <= NAME_LENGTH:
        raise Invalid("Name the branch.", fields={"name": ["It has 1 to 60 characters."]})
    try:
        written = state.write(thread=thread, writing=_writing(thread, fork, name, actor), now=now)
    except HeadMoved:
        # The same form, sent twice at once: the other one's fork is what was asked for.
        if (made := _made(thread, fork)) is not None:
            return made
        raise
    return str(written["checkpoint_id"])


def is_busy(thread: Thread) -> bool:
    """Say whether a run that is pending or running keeps the thread from being forked."""
    return Run.objects.filter(thread=thread).active().exists()


def _made(thread: Thread, fork: Fork) -> str | None:
    head = inspecting.head_id(key=thread.public_id)
    found = inspecting.outlines(key=thread.public_id, ids=[head], limit=1) if head else []
    is_mine = bool(fork.key) and any(one.metadata.get(KEY) == fork.key for one in found)
    return head if is_mine else None


def _writing(thread: Thread, fork: Fork, name: str, actor: Any) -> Writing:
    place = Place(checkpoint_id=fork.checkpoint_id)
    config = place.config(thread.public_id)
    edits = _typed(thread, place, fork)
    by = actor.get_username()

    def write(graph: Any) -> Any:
        if not edits and not fork.as_node:
            return graph.update_state(config, None, _COPY)
        update = retyping.update_of(graph, edits)
        return graph.update_state(config, update or None, fork.as_node)

    def told(written: Mapping[str, Any]) -> list[Item]:
        shown = {"checkpoint_id": written.get("checkpoint_id"), "parent_id": fork.checkpoint_id}
        return [Item("head.moved", {**shown, "name": name, "by": by})]

    return Writing(
        act="state.fork",
        place=place,
        write=write,
        reason=clean_text(fork.reason)[:500],
        data={"from": fork.checkpoint_id, "name": name, "edited": sorted(edits)},
        labels={BRANCH: name, BY: by, KEY: fork.key},
        check=lambda locked: _demand_unmoved(locked, fork),
        told=told,
    )


def _demand_unmoved(thread: Thread, fork: Fork) -> None:
    """Raise unless the locked thread rests where the person saw it."""
    if is_busy(thread):
        raise StateBusy("A run is under way on this thread. Cancel it or wait for its end.")
    head = inspecting.head_id(key=thread.public_id)
    if fork.head and fork.head != head:
        raise HeadMoved("The thread has gone on since this page was opened. Look at it again.")


def _typed(thread: Thread, place: Place, fork: Fork) -> dict[str, Any]:
    """Return the edited channels as the graph's own values. Raises Invalid naming the channels."""
    if not fork.edits:
        return {}
    looked = snapshots.at(thread, place.checkpoint_id)
    known = state.stored(thread, place).checkpoint["channel_values"]
    edited: dict[str, Any] = {}
    problems: dict[str, list[str]] = {}
    for name, given in fork.edits.items():
        channel = looked.channel(name)
        if channel is None or channel.problem or name not in known:
            problems[name] = ["There is no such channel at this checkpoint."]
            continue
        shown = values.masked(channel.value)
        try:
            typed = retyping.retyped(given, shown=shown, like=known[name])
        except Invalid as error:
            problems[name] = [error.message]
            continue
        except RecursionError:
            problems[name] = ["It is nested too deeply."]
            continue
        if typed is not known[name]:
            edited[name] = typed
    if problems:
        raise Invalid("Some values cannot be taken.", fields=problems)
    if edited and not fork.as_node:
        text = "Choose the node as which the edits are written."
        raise Invalid(text, fields={"as_node": [text]})
    return edited
