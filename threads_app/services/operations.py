"""What can be asked for about many threads at once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checkpoints_app.saver import ThreadHubSaver
from threadhub.kernel import clock, operations
from threadhub.kernel.errors import Invalid, NotAllowed, NotVisible
from threadhub.kernel.models import clean_metadata
from threadhub.kernel.rbac import access
from threads_app.models import Thread
from threads_app.querysets import METADATA_SEARCH_LENGTH
from threads_app.services import threads

if TYPE_CHECKING:
    from threadhub.kernel.operations.kinds import Selected
    from threadhub.kernel.operations.models import Operation, OperationItem

FILTERS = ("ids", "status", "metadata")
IDS_AT_ONCE = 1000
IDS_NAMED = 3


def _deletable(*, user: Any, wanted: Mapping[str, Any]) -> Selected:
    """Yield the threads the person may delete. Raises NotVisible, NotAllowed, Invalid."""
    wanted = _checked(wanted)
    found = Thread.objects.visible_to(user, "delete").matching(wanted).order_by("id")
    if "metadata" in wanted:
        # Values that are masked cannot be searched for.
        found = found.visible_to(user, "read")
    rows = found.values_list("public_id", "title").iterator()
    if "ids" not in wanted:
        return rows
    selected = list(rows)
    if not wanted.keys() & {"status", "metadata"}:
        _refuse_others(user, wanted["ids"], {key for key, _ in selected})
    return selected


def _checked(wanted: Mapping[str, Any]) -> dict[str, Any]:
    given = {name: value for name, value in wanted.items() if value not in (None, {}, "")}
    if not given:
        # Nothing said would mean everything.
        raise Invalid("Say which threads: by ids, status or metadata.")
    ids = given.get("ids", [])
    if not isinstance(ids, list) or len(ids) > IDS_AT_ONCE:
        raise _invalid("ids", f"Must be a list of at most {IDS_AT_ONCE} thread ids.")
    if not all(isinstance(key, str) and "\x00" not in key for key in ids):
        raise _invalid("ids", "Must be texts.")
    if given.get("status", "idle") not in Thread.Status.values:
        raise _invalid("status", f"Must be one of {', '.join(Thread.Status.values)}.")
    if "metadata" in given:
        given["metadata"] = clean_metadata(given["metadata"])
        if len(json.dumps(given["metadata"])) > METADATA_SEARCH_LENGTH:
            raise _invalid("metadata", "This is too much to search for.")
    return given


def _invalid(name: str, text: str) -> Invalid:
    return Invalid(f"filter.{name}: {text}", fields={f"filter.{name}": [text]})


def _refuse_others(user: Any, asked: Sequence[str], selected: set[str]) -> None:
    """Raise for threads that were named and cannot be had; missing and hidden look the same."""
    others = [key for key in dict.fromkeys(asked) if key not in selected]
    if not others:
        return
    seen = Thread.objects.visible_to(user, "view").filter(public_id__in=others)
    visible = set(seen.values_list("public_id", flat=True))
    hidden = [key for key in others if key not in visible]
    if hidden:
        raise NotVisible(f"There is no such thread: {_named(hidden)}.")
    raise NotAllowed(
        f"You may see these threads, but you lack the permission to delete them: {_named(others)}."
    )


def _named(keys: Sequence[str]) -> str:
    more = len(keys) - IDS_NAMED
    return ", ".join(keys[:IDS_NAMED]) + (f" and {more} more" if more > 0 else "")


@operations.kind("threads.delete", select=_deletable, filters=FILTERS)
def delete_thread(*, operation: Operation, item: OperationItem) -> None:
    """Delete one thread. Raises Skipped when it is gone, NotVisible, NotAllowed."""
    if not Thread.objects.filter(public_id=item.key).exists():
        # A crash may have come between its row and what the store holds of it.
        ThreadHubSaver().delete_thread(item.key)
        raise operations.Skipped("It was deleted already.")
    door = Thread.objects.all()
    thread = access.get(door, user=operation.asked_by, action="delete", public_id=item.key)
    threads.delete(thread=thread, now=clock.now(), actor=operation.asked_by)
