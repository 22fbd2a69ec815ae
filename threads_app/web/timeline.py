"""The tab *Timeline* of a thread."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext

from threadhub.kernel.adminbase.marks import look
from threadhub.kernel.observability.redaction import redact_text
from threads_app.models import Run
from threads_app.selectors import timelines
from threads_app.selectors.pictures import path_of

from . import following, lines, spans
from .pages import ThreadPage

if TYPE_CHECKING:
    from django.http import HttpRequest

    from threads_app.models import Thread
    from threads_app.selectors.pictures import Event, Step

    from .following import Followed

ZOOMS = ("compact", "waterfall", "events")
# Rows of one page; a window holds two.
PAGE = 100
PICKED = 30
# Events whose kind is bad news by itself, beside tasks that ended with an error.
BAD = ("task.finished", "run.error", "run.timeout")
# What an event's row says in columns of its own.
NAMED = frozenset({"run_id", "name", "node", "ns"})
KEPT = ("run", "zoom", "only", "fold", "node", "after", "span")


class TimelinePage(ThreadPage):
    """Threads, tab Timeline: one run in three zooms; all that is shown stands in the address."""

    tab = "timeline"
    needs = "read"
    template = "threads/timeline.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the rows of the zoom, and the step that is looked at."""
        runs = Run.objects.visible_to(request.user, "read").filter(thread=thread)
        listed = list(
            runs.select_related("actor").defer("input", "command").order_by("-id")[:PICKED]
        )
        run = _picked(request, listed, runs)
        asked = Asked(request)
        if run is None:
            return {"run": None, "runs": [], "asked": asked}
        followed = following.follow(run, with_earlier=False)
        shared = {
            "run": run,
            "runs": [
                {"pk": each.pk, "at": each.created_at, "word": look(each.status)[1]}
                for each in listed
            ],
            "asked": asked,
            "picture": followed.picture,
            "ticks": followed.scale.ticks(),
            "axis": followed.scale.axis(),
            "span": _looked_at(request, thread, followed, asked),
            "selected": asked.span,
            "timeline": f"?run={run.pk}",
            "outcome": following.outcomes(request, [run])[run.pk],
        }
        match asked.zoom:
            case "compact":
                found = self._compact(request, thread, followed, asked)
            case "waterfall":
                found = self._waterfall(request, thread, followed, asked)
            case _:
                found = self._events(followed, asked)
        return {"minimap": spans.minimap(followed.picture, scale=followed.scale), **shared, **found}

    def _compact(
        self, request: HttpRequest, thread: Thread, followed: Followed, asked: Asked
    ) -> dict[str, Any]:
        waits = following.asked(request, thread) if followed.picture.waiting else {}
        rows = spans.nodes(followed.picture, scale=followed.scale, asked=waits, now=followed.now)
        return {"rows": [row for row in rows if asked.only != "error" or row["failures"]]}

    def _waterfall(
        self, request: HttpRequest, thread: Thread, followed: Followed, asked: Asked
    ) -> dict[str, Any]:
        page = timelines.rows(
            followed.ids,
            known=followed.picture,
            after=asked.after,
            limit=PAGE,
            only=frozenset({"error"}) if asked.only == "error" else frozenset(),
            node=asked.node,
        )
        rows = spans.steps(
            page.steps,
            scale=followed.scale,
            is_folded=asked.is_folded,
            waits=following.answers(request, thread, page.steps),
        )
        for row in rows:
            row["href"] = f"{asked.address(span=row['seq'])}#{row['id']}"
        return {
            "rows": rows,
            "more": asked.address(after=page.next, span="") if page.next else "",
            "minimap": spans.minimap(followed.picture, scale=followed.scale, shown=page.steps),
        }

    def _events(self, followed: Followed, asked: Asked) -> dict[str, Any]:
        kinds = BAD if asked.only == "error" else ()
        found = timelines.events(followed.ids, after=asked.after, limit=PAGE + 1, kinds=kinds)
        page = found[:PAGE]
        if asked.only == "error":
            page = [event for event in page if event.kind != BAD[0] or event.payload.get("error")]
        more = asked.address(after=found[PAGE - 1].seq, span="") if len(found) > PAGE else ""
        return {"events": [_shown(event) for event in page], "more": more}


class Asked:
    """What the address asks for; anything else in it is left out."""

    def __init__(self, request: HttpRequest) -> None:
        given = request.GET
        self.zoom = given.get("zoom", "") if given.get("zoom") in ZOOMS else ZOOMS[0]
        self.only = "error" if given.get("only") == "error" else ""
        self.is_folded = given.get("fold") != "0"
        self.node = given.get("node", "")[:500]
        self.after = _number(given.get("after", ""))
        self.span = _number(given.get("span", ""))
        self._kept = {name: given[name] for name in KEPT if given.get(name)}

    def address(self, **changed: Any) -> str:
        """Return this page's address with something changed; empty takes it out."""
        kept = {**self._kept, **{name: str(value) for name, value in changed.items()}}
        return "?" + urlencode({name: value for name, value in kept.items() if value})

    @property
    def zooms(self) -> list[dict[str, Any]]:
        """Return the three zooms with their words and addresses."""
        words = {
            "compact": gettext("Compact"),
            "waterfall": gettext("Waterfall"),
            "events": gettext("All events"),
        }
        return [
            {
                "text": words[name],
                "address": self.address(zoom=name, after="", span=""),
                "is_current": name == self.zoom,
            }
            for name in ZOOMS
        ]

    @property
    def toggles(self) -> list[dict[str, Any]]:
        """Return the switches that make sense in this zoom."""
        is_strict = self.only == "error"
        found = [
            {
                "text": gettext("Errors only"),
                "address": self.address(only="" if is_strict else "error", after=""),
                "is_on": is_strict,
            }
        ]
        if self.zoom == "waterfall":
            address = self.address(fold="0" if self.is_folded else "")
            found.append(
                {"text": gettext("Fold repeats"), "address": address, "is_on": self.is_folded}
            )
        return found

    @property
    def without_node(self) -> str:
        """Return the address that shows the steps of every node."""
        return self.address(node="", after="", span="")

    @property
    def first(self) -> str:
        """Return the address of the first rows."""
        return self.address(after="", span="")

    @property
    def closed(self) -> str:
        """Return the address without a step that is looked at."""
        return self.address(span="")


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 18 else 0


def _picked(request: HttpRequest, listed: list[Run], runs: Any) -> Run | None:
    """Return the run the address names, else the last one that began. Raises Http404."""
    named = _number(request.GET.get("run", ""))
    if not named:
        return next((run for run in listed if run.started_at), listed[0] if listed else None)
    found: Run | None = next((run for run in listed if run.pk == named), None)
    found = found or runs.filter(pk=named).first()
    if found is None:
        raise Http404(gettext("This thread has no such run."))
    return found


def _listed(run: Run) -> dict[str, Any]:
    return {"pk": run.pk, "at": run.created_at, "word": look(run.status)[1]}


def _looked_at(
    request: HttpRequest, thread: Thread, followed: Followed, asked: Asked
) -> dict[str, Any] | None:
    """Return what is known of the step that the address names."""
    if not asked.span:
        return None
    step = timelines.step_at(followed.ids, seq=asked.span, known=followed.picture)
    if step is None:
        return None
    waits = following.answers(request, thread, [step])
    row = spans.steps([step], scale=followed.scale, is_folded=False, waits=waits)[0]
    kept = timelines.outcome(followed.ids, step)
    state = reverse("admin:threads_app_thread_state", args=[thread.pk])
    return {
        "step": step,
        "row": row,
        "path": " › ".join((*step.path, step.node)),
        "input": lines.pretty(kept["input"]) if kept["has_input"] else None,
        "output": lines.pretty(kept["output"]) if kept["has_output"] else None,
        "number": kept["number"],
        "begins_at": _place(state, step, kept["begins_at"]),
        "ends_in": _place(state, step, kept["ends_in"]),
        "error": redact_text(followed.run.error_message) if _is_its_error(followed, step) else "",
    }


def _is_its_error(followed: Followed, step: Step) -> bool:
    return step.state == "error" and step.error == followed.run.error_class


def _place(state: str, step: Step, checkpoint_id: str) -> dict[str, str] | None:
    if not checkpoint_id:
        return None
    query = {"checkpoint": checkpoint_id, "ns": step.ns}
    return {"id": checkpoint_id, "address": f"{state}?{urlencode(query)}"}


def _shown(event: Event) -> dict[str, Any]:
    payload = event.payload if isinstance(event.payload, dict) else {}
    name = payload.get("name") or payload.get("node")
    where = (*path_of(payload.get("ns") or ""), *([name] if name else []))
    data = {key: value for key, value in payload.items() if key not in NAMED and value}
    return {
        "seq": event.seq,
        "at": event.at,
        "kind": event.kind,
        "node": " › ".join(where),
        "is_bad": bool(payload.get("error")),
        "text": lines.compact(data) if data else "",
    }
