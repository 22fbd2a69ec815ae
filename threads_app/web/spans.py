"""Steps as rows with bars: percentages of the time in which runs were under way."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext

from threadhub.kernel.adminbase.marks import duration, look

from .drawings import coarse

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from threads_app.selectors.pictures import Node, Picture, Step

TICKS = 4
# The smallest bar that can be seen, in percent.
NARROWEST = 0.5
LANES = 5
LOST = {"lost": "cancelled", "dropped": "cancelled"}


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps moments to percent; the time between two runs takes no room."""

    spells: tuple[tuple[datetime, datetime], ...]

    @classmethod
    def of(cls, picture: Picture, *, now: datetime) -> Scale:
        """Return the scale of a picture, up to now where a run is under way."""
        return cls(tuple((start, end or now) for start, end in picture.spells))

    @property
    def seconds(self) -> float:
        """Return the time it spans."""
        return sum((end - start).total_seconds() for start, end in self.spells) or 1e-6

    def percent(self, moment: datetime) -> float:
        """Return where a moment is, between 0 and 100."""
        passed = sum(
            (min(max(moment, start), end) - start).total_seconds() for start, end in self.spells
        )
        return round(100 * passed / self.seconds, 3)

    def bar(self, start: datetime, end: datetime | None, state: str) -> dict[str, Any]:
        """Return a bar: where it begins, how wide it is, and how it looks."""
        left = self.percent(start)
        right = 100.0 if end is None else self.percent(end)
        width = max(right - left, NARROWEST)
        return {"x": min(left, 100 - width), "width": round(width, 3), "look": look_of(state)}

    def ticks(self) -> list[dict[str, float]]:
        """Return where the lines of the axis stand."""
        return [{"x": 100 * part / TICKS} for part in range(TICKS)]

    def axis(self) -> list[str]:
        """Return the words of the axis, from its left end to its right."""
        return [duration(self.seconds * part / TICKS) for part in range(TICKS + 1)]


def look_of(state: str) -> str:
    """Return the class of a step's state."""
    return look(LOST.get(state, state))[0]


def word_of(state: str) -> str:
    """Return the word of a step's state."""
    return gettext("Cut off") if state == "lost" else look(LOST.get(state, state))[1]


def nodes(
    picture: Picture, *, scale: Scale, asked: Mapping[str, datetime], now: datetime
) -> list[dict[str, Any]]:
    """Return one row for each node, in the order in which they began, subgraphs inside."""
    ordered = sorted(picture.nodes.values(), key=lambda node: _place(node, picture))
    return [_of_node(node, scale, asked.get(node.key), now) for node in ordered]


def _place(node: Node, picture: Picture) -> list[tuple[datetime, str]]:
    """Sort a subgraph's nodes below the node it belongs to."""
    parts = node.key.split(":")
    above = [":".join(parts[:count]) for count in range(1, len(parts) + 1)]
    first = [picture.nodes[key].first if key in picture.nodes else node.first for key in above]
    return list(zip(first, above, strict=True))


def _of_node(node: Node, scale: Scale, asked: datetime | None, now: datetime) -> dict[str, Any]:
    state = "waiting" if asked else node.state
    bars = [scale.bar(*span) for span in node.spans]
    if node.running and node.since:
        bars.append(scale.bar(node.since, None, "running"))
    soft = None
    if len(bars) > 1:
        end = max(bar["x"] + bar["width"] for bar in bars)
        soft = {"x": bars[0]["x"], "width": round(end - bars[0]["x"], 3)}
    waited = (now - asked).total_seconds() if asked else 0.0
    # Executions at the same time count once.
    took = min(node.seconds, ((node.since or now) - node.first).total_seconds())
    return {
        "id": f"step-{node.key}",
        "node": node.name,
        "key": node.key,
        "depth": min(node.depth, 3),
        "visits": node.visits,
        "failures": node.failures,
        "bars": bars,
        "soft": soft,
        "time": coarse(waited) if asked else duration(None if node.running else took),
        "look": look_of(state),
        "word": word_of(state),
        "error": node.error,
        "seq": node.last_seq,
    }


def steps(
    found: Iterable[Step], *, scale: Scale, is_folded: bool, waits: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Return one row for each execution; repeats that follow each other are one when folded.

    `waits` says what became of questions, by their id.
    """
    rows: list[dict[str, Any]] = []
    for step in found:
        row = _of_step(step, scale, waits)
        last = rows[-1] if rows else None
        if is_folded and last is not None and _repeats(last, row):
            last["count"] += 1
            last["seconds"] += row["seconds"]
            last["time"] = duration(last["seconds"])
            if len(last["bars"]) < LANES * LANES:
                last["bars"] += row["bars"]
        else:
            rows.append(row)
    return rows


def _repeats(last: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return last["key"] == row["key"] and last["look"] == row["look"] == "success"


def _of_step(step: Step, scale: Scale, waits: Mapping[str, str]) -> dict[str, Any]:
    state = step.state
    if state == "waiting":
        state = next((waits[asked] for asked in step.questions if asked in waits), "dropped")
    return {
        "id": f"step-{step.seq}",
        "node": step.node,
        "key": step.key,
        "depth": min(len(step.path), 3),
        "count": 1,
        "seq": step.seq,
        "number": step.number,
        "attempt": step.attempt,
        "is_resumed": step.is_resumed,
        "bars": [scale.bar(step.started, step.ended, state)],
        "seconds": step.seconds or 0.0,
        "time": duration(step.seconds),
        "look": look_of(state),
        "word": word_of(state),
        "error": step.error,
    }


def minimap(picture: Picture, *, scale: Scale, shown: Sequence[Step] = ()) -> dict[str, Any]:
    """Return the whole run in a strip, with the part that the rows show."""
    bars: list[dict[str, Any]] = []
    ordered = sorted(picture.nodes.values(), key=lambda node: node.first)
    for place, node in enumerate(ordered):
        lane = 4 + 5 * (place % LANES)
        bars += [{**scale.bar(*span), "y": lane} for span in node.spans]
        if node.visits > len(node.spans) and node.since:
            rest = node.spans[-1].ended if node.spans else node.first
            bars.append({**scale.bar(rest, node.since, node.state), "y": lane, "is_soft": True})
    bars += [{**scale.bar(at, at, "error"), "y": 4} for at in picture.marks]
    return {"bars": bars, "window": _window(scale, shown)}


def _window(scale: Scale, shown: Sequence[Step]) -> dict[str, Any] | None:
    if not shown:
        return None
    ends = [step.ended for step in shown if step.ended is not None]
    return scale.bar(shown[0].started, max(ends, default=None), "running")
