"""Fork a thread: go on from an earlier checkpoint, as it is or edited."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext

from threadhub.kernel import clock
from threadhub.kernel.errors import Invalid, NotVisible, ThreadHubError
from threadhub.kernel.ids import new_id
from threadhub.kernel.models import clean_text
from threadhub.kernel.rbac import access
from threads_app.models import Run
from threads_app.selectors import assistants, branches, reach, snapshots, values
from threads_app.services import forks, runs
from threads_app.services.forks import Fork

from .pages import ThreadPage, found
from .places import given, moment_of, step_name

if TYPE_CHECKING:
    from threads_app.models import Thread
    from threads_app.selectors.snapshots import Channel, Moment

EDIT = "edit:"
# Longer values are edited by the API: a form of this size is no help to anybody.
EDITABLE_BYTES = 64 * 1024
# Channels whose value can be replaced as a whole.
EDITABLE_KINDS = {"LastValue", "BinaryOperatorAggregate", ""}


@dataclass(frozen=True, slots=True)
class Field:
    """A channel in the form: its JSON as it is or as it was typed, and why it is off."""

    channel: Channel
    name: str
    text: str
    why: str
    errors: tuple[str, ...]
    rows: int


class ForkPage(ThreadPage):
    """Asks for a fork's name, reason and edits, and says what will run again."""

    tab = "checkpoints"
    needs = "write"
    template = "threads/fork.html"

    def content(self, request: HttpRequest, thread: Thread) -> dict[str, Any]:
        """Return the form for a checkpoint of the thread itself."""
        _demand_read(request, thread)
        return _form(request, thread, typed=request.GET, errors={})

    def post(self, request: HttpRequest, thread_key: int) -> HttpResponse:
        """Make the fork, and run it where that was asked for; what cannot be stays typed."""
        thread = found(request, thread_key, "write")
        _demand_read(request, thread)
        if "run" in request.POST:
            found(request, thread_key, "execute")
        try:
            made = _made(request, thread)
        except NotVisible as error:
            raise Http404(error.message) from None
        except ThreadHubError as error:
            return self._again(request, thread, error)
        name = clean_text(request.POST.get("name", "")).strip()
        if "run" in request.POST:
            messages.success(request, gettext("The branch %s is the head now and runs.") % name)
            return _to(thread, "live")
        text = gettext("The branch %s is the head now. Nothing has run yet.") % name
        messages.success(request, text)
        return _to(thread, "checkpoints", f"?b={made}")

    def _again(self, request: HttpRequest, thread: Thread, error: ThreadHubError) -> HttpResponse:
        errors = dict(error.fields or {"": [error.message]})
        context = {
            **self.frame(request, thread),
            **_form(request, thread, typed=request.POST, errors=errors),
        }
        return self.response(request, context, status=error.status)


def _demand_read(request: HttpRequest, thread: Thread) -> None:
    if not access.can(request.user, "read", thread):
        raise PermissionDenied(gettext("Forking shows the state, which you may not read."))


def _to(thread: Thread, tab: str, query: str = "") -> HttpResponse:
    address = reverse(f"admin:threads_app_thread_{tab}", args=[thread.pk])
    response = HttpResponseRedirect(address + query)
    response.status_code = 303
    return response


def _made(request: HttpRequest, thread: Thread) -> str:
    typed = request.POST
    checkpoint_id = clean_text(typed.get("checkpoint", ""))
    edits = _edits(thread, checkpoint_id, typed)
    fork = Fork(
        checkpoint_id=checkpoint_id,
        name=typed.get("name", ""),
        reason=typed.get("reason", ""),
        edits=edits,
        as_node=_node(typed, edits),
        head=typed.get("head", ""),
        key=clean_text(typed.get("key", ""))[:64],
    )
    made = forks.create(thread=thread, fork=fork, actor=request.user, now=clock.now())
    if "run" in typed:
        _run(request, thread, fork.key)
    return made


def _node(typed: Any, edits: dict[str, Any]) -> str:
    """Return the node to write as; the one the form proposed is meant for edits alone."""
    node = clean_text(typed.get("as_node", ""))
    return node if edits or node != typed.get("proposed", "") else ""


def _run(request: HttpRequest, thread: Thread, key: str) -> None:
    mine = Run.objects.visible_to(request.user, "view").filter(thread=thread)
    last = mine.only("assistant_id").order_by("-pk").first()
    name = str(last.assistant_id) if last else thread.graph.name if thread.graph else ""
    assistant = assistants.resolve(name, user=request.user)
    order = runs.RunOrder(idempotency_key=f"fork:{key}" if key else None)
    runs.start(thread=thread, assistant=assistant, actor=request.user, order=order, now=clock.now())


def _edits(thread: Thread, checkpoint_id: str, typed: Any) -> dict[str, Any]:
    """Return the JSON of the channels whose text was changed. Raises Invalid beside the others."""
    texts = {name.removeprefix(EDIT): typed[name] for name in typed if name.startswith(EDIT)}
    if not texts:
        return {}
    moment = snapshots.at(thread, checkpoint_id)
    edits, problems = {}, {}
    for name, text in texts.items():
        channel = moment.channel(name)
        if channel is not None and _lines(text) == _lines(_text(channel)):
            continue
        try:
            edits[name] = json.loads(text, parse_constant=_refuse)
        except (ValueError, RecursionError) as error:
            problems[name] = [gettext("This is not JSON: %s") % error]
    if problems:
        raise Invalid("Some values are not JSON.", fields=problems)
    return edits


def _refuse(word: str) -> None:
    raise ValueError(word)


def _lines(text: str) -> list[str]:
    # Browsers send line ends as CRLF.
    return text.strip().splitlines()


def _text(channel: Channel) -> str:
    shown = values.masked(channel.value, key=channel.name)
    return json.dumps(shown, indent=2, ensure_ascii=False, default=str)


def _form(
    request: HttpRequest, thread: Thread, *, typed: Any, errors: dict[str, Any]
) -> dict[str, Any]:
    moment = _moment(request, thread, typed)
    if moment is None:
        return {"moment": None}
    description = thread.graph.description if thread.graph else {}
    laid = branches.tree(thread)
    nodes = _made_by(thread, laid, moment)
    proposed = nodes[0] if len(nodes) == 1 and nodes[0] != "__start__" else ""
    as_node = typed.get("as_node", proposed)
    edited = [one for one in reach.following(description, as_node) if one != "__end__"]
    return {
        "moment": moment,
        "moment_name": step_name(moment.outline, nodes),
        "typed_name": typed.get("name", _suggested(laid)),
        "typed_reason": typed.get("reason", ""),
        "as_node": as_node,
        "proposed": proposed,
        "nodes": reach.nodes(description),
        "fields": [_field(one, typed, errors) for one in moment.channels],
        "name_errors": errors.get("name", ()),
        "as_node_errors": errors.get("as_node", ()),
        "form_error": " ".join(errors.get("", ())),
        "key": typed.get("key") or str(new_id()),
        "seen_head": typed.get("head") or laid.head,
        "is_busy": forks.is_busy(thread),
        "first": list(dict.fromkeys(moment.next)),
        "behind": reach.behind(description, moment.next),
        "first_edited": edited,
        "behind_edited": reach.behind(description, edited),
    }


def _moment(request: HttpRequest, thread: Thread, typed: Any) -> Moment | None:
    if request.method == "GET":
        return moment_of(request, thread) if not given(request, "ns") else None
    return snapshots.at(thread, clean_text(typed.get("checkpoint", "")))


def _made_by(thread: Thread, laid: branches.Tree, moment: Moment) -> tuple[str, ...]:
    (row,) = branches.rows_of(thread, laid, [moment.outline])
    return row.nodes


def _suggested(laid: branches.Tree) -> str:
    taken = {place.branch for place in laid.places.values()}
    names = (f"fork-{number}" for number in range(1, len(taken) + 2))
    return next(name for name in names if name not in taken)


def _field(channel: Channel, typed: Any, errors: dict[str, Any]) -> Field:
    why = _why_off(channel)
    name = f"{EDIT}{channel.name}"
    text = "" if why else typed.get(name) or _text(channel)
    rows = min(max(text.count("\n") + 1, 2), 16)
    return Field(channel, name, text, why, tuple(errors.get(channel.name, ())), rows)


def _why_off(channel: Channel) -> str:
    if channel.problem:
        return gettext("This value cannot be read.")
    if channel.kind not in EDITABLE_KINDS:
        return gettext("Channels of this kind cannot be replaced.")
    if channel.size > EDITABLE_BYTES:
        return gettext("This value is too long to be edited here.")
    return ""
