"""What can be asked for: each kind is declared by the app whose objects it is about."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from threadhub.kernel.errors import Invalid
from threadhub.kernel.registry import Registry

if TYPE_CHECKING:
    from .models import Operation, OperationItem

Selected = Iterable[tuple[str, str]]


class Skipped(Exception):
    """Raised by what performs an item when nothing is left to do; says why in one sentence."""


class Perform(Protocol):
    """Performs one item and returns its result, if it has one."""

    def __call__(self, *, operation: Operation, item: OperationItem) -> Any:
        """Return a JSON value, or None. Raises Skipped, ThreadHubError."""


class Select(Protocol):
    """Yields key and label of everything the filter matches and the person may do this to."""

    def __call__(self, *, user: Any, wanted: Mapping[str, Any]) -> Selected:
        """Return the pairs. Raises Invalid for a filter without a meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How operations of one name are done. Without `select` they are asked for by code only."""

    name: str
    perform: Perform
    select: Select | None
    filters: Sequence[str]
    arguments: Sequence[str]


_kinds: Registry[Kind] = Registry("Kind of operation")


def kind(
    name: str,
    *,
    select: Select | None = None,
    filters: Sequence[str] = (),
    arguments: Sequence[str] = (),
) -> Callable[[Perform], Perform]:
    """Declare a kind of operation by the function that performs one of its items.

    The function is called outside every transaction, again after a crash even for an item it
    had done, and asks the one door on behalf of `operation.asked_by`, whose rights may have
    gone since. What it raises fails the item, and the operation goes on.
    """

    def register(perform: Perform) -> Perform:
        made = Kind(name=name, perform=perform, select=select, filters=filters, arguments=arguments)
        _kinds.add(name, made)
        return perform

    return register


def named(name: str) -> Kind:
    """Return the kind. Raises Invalid naming those there are."""
    if name not in _kinds:
        known = ", ".join(sorted(_kinds)) or "none"
        raise Invalid(
            f"There is no kind of operation {name[:60]!r}. Known: {known}.",
            fields={"kind": ["Unknown."]},
        )
    return _kinds.get(name)


def is_known(name: str) -> bool:
    """Say whether operations of this name can be performed by this process."""
    return name in _kinds


def select(found: Kind, *, user: Any, wanted: Mapping[str, Any]) -> Selected:
    """Return what a filter matches. Raises Invalid naming the filters there are."""
    if found.select is None:
        raise Invalid(f"Operations of the kind {found.name} cannot be asked for by a filter.")
    check_names("filter", wanted, found.filters)
    return found.select(user=user, wanted=wanted)


def check_names(field: str, given: Mapping[str, Any], known: Sequence[str]) -> None:
    """Raise Invalid for a name that is none of the known ones."""
    unknown = sorted(set(given) - set(known))
    if unknown:
        names = ", ".join(known) or "none"
        raise Invalid(
            f"{field}: {unknown[0][:60]!r} is unknown. Known: {names}.",
            fields={field: [f"Unknown: {unknown[0][:60]}."]},
        )
