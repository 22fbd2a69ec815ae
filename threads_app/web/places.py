"""Which moment of a thread an address names, and how pages name moments and namespaces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import Http404
from django.utils.translation import gettext, pgettext

from threadhub.kernel.errors import NotVisible
from threadhub.kernel.models import clean_text
from threads_app.selectors import snapshots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from django.http import HttpRequest

    from threads_app.models import Thread
    from threads_app.selectors.snapshots import Moment, Outline


@dataclass(frozen=True, slots=True)
class Named:
    """A namespace with a name to read."""

    ns: str
    text: str


def moment_of(request: HttpRequest, thread: Thread) -> Moment | None:
    """Return the moment the address names; None for a thread that has stored nothing yet.

    Raises Http404 for a checkpoint the thread does not have.
    """
    wanted = given(request, "checkpoint")
    ns = given(request, "ns")
    try:
        return snapshots.at(thread, wanted, ns)
    except NotVisible as error:
        if wanted or ns:
            raise Http404(error.message) from None
        return None


def given(request: HttpRequest, name: str) -> str:
    """Return a parameter of the address, fit for a database."""
    return clean_text(request.GET.get(name, ""))


def query_of(moment: Moment) -> str:
    """Return the query that names a moment, so that later requests see the same one."""
    return urlencode({"checkpoint": moment.outline.checkpoint_id, "ns": moment.ns})


def named(namespaces: Iterable[str]) -> list[Named]:
    """Return namespaces with the nodes they lie in; equal names are counted."""
    counts: dict[str, int] = {}
    shown = []
    for ns in sorted(namespaces, key=bool):
        path = " › ".join(part.partition(":")[0] for part in ns.split("|"))
        counts[path] = counts.get(path, 0) + 1
        again = f" ({counts[path]})" if counts[path] > 1 else ""
        shown.append(Named(ns, f"{path}{again}" if ns else gettext("The thread itself")))
    return shown


def step_name(outline: Outline, nodes: Sequence[str] = ()) -> str:
    """Return what a checkpoint is called: its step, and what made it."""
    # LangGraph counts inputs from -1, which says nothing to a reader.
    if outline.step is None or outline.step < 0:
        return made_by(outline, nodes)
    return f"{outline.step} {made_by(outline, nodes)}"


def made_by(outline: Outline, nodes: Sequence[str]) -> str:
    """Return what made a checkpoint: its nodes, an input, a person's change."""
    if outline.source == "input":
        return pgettext("checkpoint", "input")
    if outline.source == "fork":
        return pgettext("checkpoint", "fork")
    if outline.source == "update":
        return pgettext("checkpoint", "edit")
    return written_by(outline, nodes)


def written_by(outline: Outline, nodes: Sequence[str]) -> str:
    """Return the nodes that wrote, else what made the checkpoint."""
    if not nodes:
        is_step = outline.source not in {"input", "fork", "update"}
        return pgettext("checkpoint", "step") if is_step else made_by(outline, ())
    real = [pgettext("checkpoint", "start") if node == "__start__" else node for node in nodes]
    return ", ".join(real[:3]) + ("…" if len(real) > 3 else "")
