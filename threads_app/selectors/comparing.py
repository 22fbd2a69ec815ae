"""Two moments of a thread beside each other, channel by channel, as rows to read."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from .differences import Delta, Items, Keyed, Keys, Replaced, Same, Step, compare, words
from .values import TYPE, masked

if TYPE_CHECKING:
    from .snapshots import Channel, Moment

# Rows of one channel; the others are counted.
MOST_ROWS = 100
CUT = 300
# Unchanged text left standing on each side of a change.
AROUND = 60


@dataclass(frozen=True, slots=True)
class Row:
    """One difference: what happened, where, and the texts before and after."""

    # added, removed, changed, moved
    what: str
    path: str
    label: str
    # ("same" | "removed" | "added", text), in reading order.
    pieces: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class ChannelDifference:
    """What differs in one channel."""

    name: str
    kind: str
    rows: tuple[Row, ...]
    left_out: int
    counts: dict[str, int]
    # The values differ only where they are masked, or cannot be read.
    is_hidden: bool = False
    problem: str = ""

    @property
    def is_same(self) -> bool:
        """Say whether nothing differs."""
        return not (self.rows or self.is_hidden or self.problem)


def moments(before: Moment | None, after: Moment) -> list[ChannelDifference]:
    """Return the differences of every channel that one of both has; those that differ first."""
    old = {channel.name: channel for channel in before.channels} if before else {}
    new = {channel.name: channel for channel in after.channels}
    found = [_channel(old.get(name), new.get(name)) for name in sorted(old | new)]
    return sorted(found, key=lambda one: one.is_same)


def _channel(old: Channel | None, new: Channel | None) -> ChannelDifference:
    one = new or old
    assert one is not None
    if old and new and (old.digest, old.size) == (new.digest, new.size) and not old.problem:
        return ChannelDifference(one.name, one.kind, (), 0, {})
    if problem := (old and old.problem) or (new and new.problem):
        return ChannelDifference(one.name, one.kind, (), 0, {}, problem=problem)
    rows = list(_rows_of(one.name, old, new))
    is_hidden = not rows and bool(old and new) and not _equal(old, new)
    counts = Counter(row.what for row in rows)
    shown = tuple(rows[:MOST_ROWS])
    return ChannelDifference(
        one.name, one.kind, shown, len(rows) - len(shown), dict(counts), is_hidden
    )


def _equal(old: Channel | None, new: Channel | None) -> bool:
    return old is not None and new is not None and repr(old.value) == repr(new.value)


def _rows_of(name: str, old: Channel | None, new: Channel | None) -> Iterator[Row]:
    if old is None:
        yield _row("added", "", masked(new.value if new else None, key=name))
    elif new is None:
        yield _row("removed", "", masked(old.value, key=name))
    else:
        delta = compare(masked(old.value, key=name), masked(new.value, key=name))
        yield from rows(delta, "")


def rows(delta: Delta, path: str) -> Iterator[Row]:
    """Yield the rows of a difference, in the order of what they are about."""
    if isinstance(delta, Same):
        return
    if isinstance(delta, Replaced):
        yield _changed(path, delta)
    elif isinstance(delta, Keys):
        yield from _key_rows(delta, path)
    elif isinstance(delta, Keyed):
        yield from _keyed_rows(delta, path)
    else:
        yield from _item_rows(delta, path)


def _key_rows(delta: Keys, path: str) -> Iterator[Row]:
    for key, inner in delta.changed.items():
        yield from rows(inner, f"{path}.{key}" if path else key)
    for what, items in (("added", delta.added), ("removed", delta.removed)):
        for key, item in items.items():
            yield _row(what, f"{path}.{key}" if path else key, item)


def _keyed_rows(delta: Keyed, path: str) -> Iterator[Row]:
    for key, (_, item) in delta.added.items():
        yield _row("added", f"{path}[{key}]", item)
    for key, inner in delta.changed.items():
        yield from rows(inner, f"{path}[{key}]")
    for key, item in delta.removed.items():
        yield _row("removed", f"{path}[{key}]", item)
    if delta.order is not None:
        order = ", ".join(str(key) for key in islice(delta.order, 20))
        yield Row("moved", path, "", (("same", order[:CUT]),))


def _item_rows(delta: Items, path: str) -> Iterator[Row]:
    before = after = 0
    for step in delta.steps:
        yield from _step_rows(step, path, before, after)
        both = step.kept + (step.changed is not None)
        before += both + len(step.removed)
        after += both + len(step.added)


def _step_rows(step: Step, path: str, before: int, after: int) -> Iterator[Row]:
    if step.changed is not None:
        yield from rows(step.changed, f"{path}[{after}]")
    for at, item in enumerate(step.removed, before):
        yield _row("removed", f"{path}[{at}]", item)
    for at, item in enumerate(step.added, after):
        yield _row("added", f"{path}[{at}]", item)


def _row(what: str, path: str, item: Any) -> Row:
    label, text = _told(item)
    return Row(what, _short(path), label, ((what, _cut(text)),))


def _changed(path: str, delta: Replaced) -> Row:
    if isinstance(delta.before, str) and isinstance(delta.after, str):
        found = words(delta.before[:20_000], delta.after[:20_000])
        return Row("changed", _short(path), "", tuple(_around(found)))
    (_, before), (label, after) = _told(delta.before), _told(delta.after)
    return Row("changed", _short(path), label, (("removed", _cut(before)), ("added", _cut(after))))


def _around(pieces: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    for at, (kind, text) in enumerate(pieces):
        if kind != "same" or len(text) <= 2 * AROUND:
            yield kind, text if kind == "same" else _cut(text)
            continue
        head = "" if at == 0 else text[:AROUND]
        tail = "" if at == len(pieces) - 1 else text[-AROUND:]
        yield kind, f"{head}…{tail}"


def _told(item: Any) -> tuple[str, str]:
    """Return what an element is, and what it says: a message by its role and text."""
    if isinstance(item, dict):
        label = str(item.get(TYPE, "")).rpartition(".")[2]
        if isinstance(item.get("content"), str):
            return str(item.get("role") or item.get("type") or label), item["content"]
        return label, _json({key: one for key, one in item.items() if key != TYPE})
    return "", item if isinstance(item, str) else _json(item)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _cut(text: str) -> str:
    return text if len(text) <= CUT else f"{text[:CUT]}…"


def _short(path: str) -> str:
    return path if len(path) <= 120 else f"{path[:60]}…{path[-59:]}"
