"""What differs between two JSON values: by key, by id, by position, and inside of texts."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

# Cells of the table that finds what two lists have in common; above it they are paired by place.
MOST_CELLS = 250_000
MAX_DEPTH = 60


@dataclass(frozen=True, slots=True)
class Same:
    """Nothing differs."""


@dataclass(frozen=True, slots=True)
class Replaced:
    """One value in the place of another."""

    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Keys:
    """Two objects."""

    removed: dict[str, Any] = field(default_factory=dict)
    added: dict[str, Any] = field(default_factory=dict)
    changed: dict[str, Delta] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Items:
    """Two lists, told apart by place: steps that turn one into the other."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Keyed:
    """Two lists whose elements have ids; `order` is the new one where those kept changed it."""

    removed: dict[Any, Any] = field(default_factory=dict)
    # By id: the place in the new list, and the element.
    added: dict[Any, tuple[int, Any]] = field(default_factory=dict)
    changed: dict[Any, Delta] = field(default_factory=dict)
    order: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """Keep elements, drop some, put others there, or change one."""

    kept: int = 0
    removed: tuple[Any, ...] = ()
    added: tuple[Any, ...] = ()
    changed: Delta | None = None


Delta = Same | Replaced | Keys | Items | Keyed
SAME = Same()


def compare(before: Any, after: Any, depth: int = 0) -> Delta:
    """Return what turns one JSON value into the other; true, 1 and 1.0 are different here."""
    if frozen(before) == frozen(after):
        return SAME
    if depth < MAX_DEPTH:
        if isinstance(before, dict) and isinstance(after, dict):
            return _keys(before, after, depth)
        if isinstance(before, list) and isinstance(after, list):
            return _lists(before, after, depth)
    return Replaced(before, after)


def frozen(value: Any) -> Hashable:
    """Return what two values have in common exactly when they are the same JSON."""
    if isinstance(value, dict):
        return frozenset((key, frozen(item)) for key, item in value.items())
    if isinstance(value, list):
        return tuple(map(frozen, value))
    return type(value), value


def _keys(before: dict[str, Any], after: dict[str, Any], depth: int) -> Keys:
    both = [key for key in before if key in after]
    deltas = {key: compare(before[key], after[key], depth + 1) for key in both}
    return Keys(
        removed={key: item for key, item in before.items() if key not in after},
        added={key: item for key, item in after.items() if key not in before},
        changed={key: delta for key, delta in deltas.items() if delta is not SAME},
    )


def _lists(before: list[Any], after: list[Any], depth: int) -> Delta:
    old, new = _by_id(before), _by_id(after)
    if old is None or new is None or not (old or new):
        return Items(tuple(_steps(before, after, depth)))
    deltas = {key: compare(old[key], new[key], depth + 1) for key in old if key in new}
    in_old, in_new = [key for key in old if key in new], [key for key in new if key in old]
    return Keyed(
        removed={key: item for key, item in old.items() if key not in new},
        added={
            key: (place, item) for place, (key, item) in enumerate(new.items()) if key not in old
        },
        changed={key: delta for key, delta in deltas.items() if delta is not SAME},
        order=tuple(in_new) if in_old != in_new else None,
    )


def _by_id(items: list[Any]) -> dict[Any, Any] | None:
    """Return the elements by id, None unless each has one of its own."""
    found = {}
    for item in items:
        key = item.get("id") if isinstance(item, dict) else None
        if type(key) not in {str, int} or key in found or key == "":
            return None
        found[key] = item
    return found


def _steps(before: list[Any], after: list[Any], depth: int) -> Iterator[Step]:
    old, new = _numbered(before, after)
    start, end = _edges(old, new)
    if start:
        yield Step(kept=start)
    a, b = before[start : len(before) - end], after[start : len(after) - end]
    matches = _common(old[start : len(old) - end], new[start : len(new) - end])
    at_a = at_b = 0
    for in_a, in_b, length in [*matches, (len(a), len(b), 0)]:
        yield from _replaced(a[at_a:in_a], b[at_b:in_b], depth)
        if length:
            yield Step(kept=length)
        at_a, at_b = in_a + length, in_b + length
    if end:
        yield Step(kept=end)


def _numbered(before: list[Any], after: list[Any]) -> tuple[list[int], list[int]]:
    """Return a number for each element, equal for equal ones: cheap to compare."""
    known: dict[Hashable, int] = {}
    return (
        [known.setdefault(frozen(item), len(known)) for item in before],
        [known.setdefault(frozen(item), len(known)) for item in after],
    )


def _edges(old: Sequence[Any], new: Sequence[Any]) -> tuple[int, int]:
    """Return how much is equal at the start and, of the rest, at the end."""
    shorter = min(len(old), len(new))
    start = next((at for at in range(shorter) if old[at] != new[at]), shorter)
    rest = shorter - start
    end = next((at for at in range(rest) if old[-1 - at] != new[-1 - at]), rest)
    return start, end


def _common(old: Sequence[Any], new: Sequence[Any]) -> list[tuple[int, int, int]]:
    """Return runs of equal elements as (place, place, length); none when it would take long."""
    if len(old) * len(new) > MOST_CELLS:
        return []
    table = _table(old, new)
    runs: list[tuple[int, int, int]] = []
    a = b = 0
    while a < len(old) and b < len(new):
        if old[a] == new[b]:
            if runs and runs[-1][0] + runs[-1][2] == a and runs[-1][1] + runs[-1][2] == b:
                runs[-1] = (runs[-1][0], runs[-1][1], runs[-1][2] + 1)
            else:
                runs.append((a, b, 1))
            a, b = a + 1, b + 1
        elif table[a + 1][b] >= table[a][b + 1]:
            a += 1
        else:
            b += 1
    return runs


def _table(old: Sequence[Any], new: Sequence[Any]) -> list[list[int]]:
    """Return how many elements the ends of both lists have in common, by where they begin."""
    width = len(new)
    table = [[0] * (width + 1) for _ in range(len(old) + 1)]
    for a in range(len(old) - 1, -1, -1):
        row, below, one = table[a], table[a + 1], old[a]
        for b in range(width - 1, -1, -1):
            row[b] = below[b + 1] + 1 if one == new[b] else max(below[b], row[b + 1])
    return table


def _replaced(before: list[Any], after: list[Any], depth: int) -> Iterator[Step]:
    """Yield the steps between two runs: what stands in the same place is the same, changed."""
    paired = min(len(before), len(after))
    for old, new in zip(before, after, strict=False):
        delta = compare(old, new, depth + 1)
        yield Step(kept=1) if delta is SAME else Step(changed=delta)
    if before[paired:]:
        yield Step(removed=tuple(before[paired:]))
    if after[paired:]:
        yield Step(added=tuple(after[paired:]))


def apply(delta: Delta, value: Any) -> Any:
    """Return what a value becomes by a difference that was found from it."""
    if isinstance(delta, Same):
        return value
    if isinstance(delta, Replaced):
        return delta.after
    if isinstance(delta, Keys):
        kept = {
            key: apply(delta.changed.get(key, SAME), item)
            for key, item in value.items()
            if key not in delta.removed
        }
        return kept | delta.added
    return _applied_items(delta, value) if isinstance(delta, Items) else _applied(delta, value)


def _applied(delta: Keyed, value: list[Any]) -> list[Any]:
    kept = {
        item["id"]: apply(delta.changed.get(item["id"], SAME), item)
        for item in value
        if item["id"] not in delta.removed
    }
    made = [kept[key] for key in delta.order or kept]
    for place, item in delta.added.values():
        made.insert(place, item)
    return made


def _applied_items(delta: Items, value: list[Any]) -> list[Any]:
    made: list[Any] = []
    at = 0
    for step in delta.steps:
        if step.changed is not None:
            made.append(apply(step.changed, value[at]))
            at += 1
        made += value[at : at + step.kept]
        at += step.kept + len(step.removed)
        made += step.added
    return made


# A word, a run of spaces, or one other character.
_WORDS = re.compile(r"\w+|\s+|[^\w\s]")


def words(before: str, after: str) -> list[tuple[str, str]]:
    """Return a text's change as ("same" | "removed" | "added", text), in reading order."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    start, end = _edges(old, new)
    found: list[tuple[str, str]] = [("same", "".join(old[:start]))]
    a, b = old[start : len(old) - end], new[start : len(new) - end]
    at_a = at_b = 0
    for in_a, in_b, length in [*_common(a, b), (len(a), len(b), 0)]:
        found.append(("removed", "".join(a[at_a:in_a])))
        found.append(("added", "".join(b[at_b:in_b])))
        found.append(("same", "".join(a[in_a : in_a + length])))
        at_a, at_b = in_a + length, in_b + length
    found.append(("same", "".join(old[len(old) - end :])))
    return [(kind, text) for kind, text in found if text]
