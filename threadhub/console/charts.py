"""Bars of numbers over time, laid out on the server: geometry in attributes, looks in classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

TOP, BASE = 12.0, 124.0
# The right edge is left to the numbers of the lines.
WIDTH = 94.0
GAP = 0.24
LABELS = 5


@dataclass(frozen=True, slots=True)
class Period:
    """The numbers of one bar: how many went well, and how many did not."""

    begins_at: datetime
    well: int
    failed: int


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, in percent of the width and in pixels of the height."""

    x: float
    width: float
    well_y: float
    well_height: float
    failed_y: float
    failed_height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws."""

    bars: list[Bar]
    # Height and number of each line, place and words of each label.
    lines: list[tuple[float, int]]
    labels: list[tuple[float, str]]


def bars(periods: Sequence[Period], *, form: str) -> Chart:
    """Return the chart; `form` says how its times are written."""
    most = max((period.well + period.failed for period in periods), default=0)
    step = _step(most)
    top = max(step * 3, most)
    step_width = WIDTH / max(len(periods), 1)
    every = max(1, len(periods) // LABELS)
    return Chart(
        bars=[
            _bar(period, index * step_width, step_width, top, form)
            for index, period in enumerate(periods)
            if period.well or period.failed
        ],
        lines=[(round(_y(step * count, top), 1), step * count) for count in (1, 2, 3)],
        labels=[
            (round(index * step_width, 2), period.begins_at.strftime(form))
            for index, period in enumerate(periods)
            if index % every == 0
        ],
    )


def _bar(period: Period, x: float, width: float, top: int, form: str) -> Bar:
    well, whole = _y(period.well, top), _y(period.well + period.failed, top)
    return Bar(
        x=round(x + width * GAP / 2, 2),
        width=round(width * (1 - GAP), 2),
        well_y=round(well, 1),
        well_height=round(BASE - well, 1),
        failed_y=round(whole, 1),
        failed_height=round(well - whole, 1),
        title=f"{period.begins_at.strftime(form)}: {period.well} + {period.failed}",
    )


def _y(count: int, top: int) -> float:
    return BASE - (BASE - TOP) * count / top


def _step(most: int) -> int:
    """Return a round distance of lines, of which three reach about as high as the bars."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if size * factor * 3 >= most * 0.8:
                return size * factor
        size *= 10
