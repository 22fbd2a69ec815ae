"""Why a write was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from threadhub.kernel.errors import Conflict, Invalid, Unavailable

if TYPE_CHECKING:
    from checkpoints_app.backends import Guard
    from checkpoints_app.backends.rows import HeadState


class FenceLost(Conflict):
    """A write came from someone who no longer, or not yet, owns the thread.

    Codes: `fenced` (another owner took over), `held` (a run owns the thread),
    `tombstone` (the thread was deleted), `unknown_key` (no such thread).
    """

    code = "fenced"


class InsideTransaction(Conflict):
    """The saver was called by a thread that has a transaction open on Django's connection."""

    code = "inside_transaction"


class BadAddress(Invalid):
    """A thread id, namespace or channel name that cannot be stored."""

    code = "bad_address"


class BadNamespace(Invalid, ValueError):
    """A namespace that cannot be stored or looked for."""

    code = "bad_namespace"


class BadItem(Invalid, ValueError):
    """An item that cannot be stored; the message names what and where."""

    code = "bad_item"


class BadQuery(Invalid, ValueError):
    """A search that cannot be made."""

    code = "bad_query"


class StoreUnavailable(Unavailable):
    """The database of the store does not answer."""

    code = "store_unavailable"


def refusal(guard: Guard, head: HeadState | None) -> FenceLost | None:
    """Return why a guard refuses; None when it would hold now, so trying again is right."""
    key = guard.key
    if head is None:
        return FenceLost(f"There is no thread {key!r} to write to.", code="unknown_key")
    if head.buried:
        return FenceLost(f"Thread {key!r} was deleted; nothing is written.", code="tombstone")
    if guard.fence is None:
        if head.held:
            return FenceLost(f"Thread {key!r} is held by a run.", code="held")
        return None
    if guard.fence != head.fence:
        return FenceLost(
            f"Thread {key!r} has another owner: fence {head.fence}, not {guard.fence}.",
            code="fenced",
        )
    return None
