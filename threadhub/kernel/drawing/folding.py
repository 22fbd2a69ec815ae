"""Fold graphs that are too large to be read as a drawing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

from .layered import Line

# Above this many nodes a drawing is folded.
LIMIT = 150
# The key of a node that stands for others begins with this.
MORE = "__more__"
# So many of them, one for each connected part, at most.
PARTS = 20


def fold(
    keys: Sequence[str],
    lines: Sequence[Line],
    *,
    rank: Callable[[str], int] = lambda _: 0,
    limit: int = LIMIT,
) -> tuple[list[str], list[Line], dict[str, list[str]]]:
    """Return at most `limit` nodes, their edges, and which nodes each fold stands for.

    Kept are those of the lowest `rank`, in the given order; the rest is one fold for each of
    its connected parts.
    """
    if len(keys) <= limit:
        return list(keys), list(lines), {}
    ranked = sorted(range(len(keys)), key=lambda place: (rank(keys[place]), place))
    kept = {keys[place] for place in ranked[: limit - PARTS]}
    parts = _parts([key for key in keys if key not in kept], lines)
    folds = {f"{MORE}{number}": part for number, part in enumerate(parts)}
    home = {key: name for name, part in folds.items() for key in part}
    # Where a part stands first, its fold stands.
    order = list(dict.fromkeys(home.get(key, key) for key in keys))
    return order, _joined(lines, home), folds


def _parts(keys: Sequence[str], lines: Sequence[Line]) -> list[list[str]]:
    """Return the connected parts among these nodes; the last one takes what is too many."""
    near: dict[str, list[str]] = defaultdict(list)
    for line in lines:
        near[line.source].append(line.target)
        near[line.target].append(line.source)
    left = dict.fromkeys(keys)
    parts: list[list[str]] = []
    while left:
        waiting = [next(iter(left))]
        part: list[str] = []
        while waiting:
            key = waiting.pop()
            if key in left:
                del left[key]
                part.append(key)
                waiting += near[key]
        parts.append(part)
    rest = [key for part in parts[PARTS - 1 :] for key in part]
    return [*parts[: PARTS - 1], *([rest] if rest else [])]


def _joined(lines: Sequence[Line], home: dict[str, str]) -> list[Line]:
    found: dict[tuple[str, str], Line] = {}
    for line in lines:
        source, target = home.get(line.source, line.source), home.get(line.target, line.target)
        if source != target or source == line.source:
            is_conditional = line.is_conditional and source != target
            found.setdefault((source, target), Line(source, target, line.label, is_conditional))
    return list(found.values())
