"""The tab *Checkpoints* of a thread: how they descend, and what differs between two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404
from django.utils.translation import gettext

from threadhub.kernel.errors import NotVisible
from threads_app.selectors import branches, comparing, snapshots
from threads_app.selectors.checkpoints import runs_of

from . import rails
from .pages import ThreadPage
from .places import given, named, step_name

if TYPE_CHECKING:
    from django.http import HttpRequest

    from threads_app.models import Thread
    from threads_app.selectors.branches import Row, Tree
    from threads_app.selectors.snapshots import Moment


class CheckpointsPage(ThreadPage):
    """Threads, tab Checkpoints."""

    tab = "checkpoints"
    needs = "read"
    template = "threads/checkpoints.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return a page of the tree, and the two moments that are held beside each other."""
        ns = given(request, "ns")
        laid = branches.tree(thread, ns)
        context: dict[str, Any] = {
            "ns": ns,
            "namespaces": named(snapshots.namespaces(thread)),
            "tree": laid,
        }
        if not laid.head:
            return context
        found = branches.page(thread, laid, ns=ns, before=given(request, "before"))
        rows, has_older = found[: branches.PAGE], len(found) > branches.PAGE
        after = _moment(thread, given(request, "b") or laid.head, ns)
        before = _before(request, thread, after)
        return context | {
            "rows": _rows(request, rows, laid),
            "older": rows[-1].outline.checkpoint_id if has_older and rows else "",
            "is_first": not given(request, "before"),
            "branches": [(one, _branch(one.name)) for one in laid.branches],
            **_compared(request, rows, laid, before, after),
        }


def _moment(thread: Thread, checkpoint_id: str, ns: str) -> Moment:
    try:
        return snapshots.at(thread, checkpoint_id, ns)
    except NotVisible as error:
        raise Http404(error.message) from None


def _before(request: HttpRequest, thread: Thread, after: Moment) -> Moment | None:
    """Return the first moment: the one asked for, else the other's parent."""
    if wanted := given(request, "a"):
        return _moment(thread, wanted, after.ns)
    try:
        parent = after.outline.parent_id
        return snapshots.at(thread, parent, after.ns) if parent else None
    except NotVisible:
        return None


def _rows(request: HttpRequest, rows: list[Row], laid: Tree) -> list[dict[str, Any]]:
    runs = runs_of([row.outline for row in rows], user=request.user)
    count = 1 + max(place.rail for place in laid.places.values())
    return [
        {
            "outline": row.outline,
            "name": step_name(row.outline, row.nodes),
            "place": row.place,
            "rail": rails.drawn(row.place, rails=count) if row.place else None,
            "branch": _branch(row.place.branch) if row.place and not row.place.child else "",
            "is_head": row.outline.checkpoint_id == laid.head,
            "run": runs.get(row.outline.run_id or ""),
        }
        for row in rows
    ]


def _branch(name: str) -> str:
    return name or gettext("main")


def _compared(
    request: HttpRequest, rows: list[Row], laid: Tree, before: Moment | None, after: Moment
) -> dict[str, Any]:
    differences = comparing.moments(before, after)
    changed = [one for one in differences if not one.is_same]
    is_all = "all" in request.GET
    place = laid.places.get(after.outline.checkpoint_id)
    names = {row.outline.checkpoint_id: step_name(row.outline, row.nodes) for row in rows}
    return {
        "a": before,
        "b": after,
        "a_name": _name(before, names),
        "b_name": _name(after, names),
        "choices": _choices(names, before, after),
        "differences": differences if is_all else changed,
        "changed_count": len(changed),
        "channel_count": len(differences),
        "is_all": is_all,
        "previous": _step(request, place.parent if place else None),
        "next": _step(request, place.child if place else None),
        "b_place": place,
        "b_branch": _branch(place.branch) if place else "",
        "b_run": runs_of([after.outline], user=request.user).get(after.outline.run_id or ""),
    }


def _name(moment: Moment | None, names: dict[str, str]) -> str:
    if moment is None:
        return gettext("nothing")
    return names.get(moment.outline.checkpoint_id) or step_name(moment.outline)


def _choices(names: dict[str, str], before: Moment | None, after: Moment) -> list[tuple[str, str]]:
    """Return the checkpoints to choose from: those of the page, and the two that are chosen."""
    every = dict(names)
    for moment in (after, before):
        if moment is not None:
            every.setdefault(moment.outline.checkpoint_id, _name(moment, names))
    return sorted(every.items(), reverse=True)


def _step(request: HttpRequest, checkpoint_id: str | None) -> str:
    """Return the query that compares a checkpoint with its parent; empty for none."""
    if checkpoint_id is None:
        return ""
    kept = {name: request.GET[name] for name in ("ns", "before", "all") if name in request.GET}
    return urlencode({**kept, "b": checkpoint_id})
