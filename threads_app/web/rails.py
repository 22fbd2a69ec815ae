"""The rails of the checkpoint tree as SVG: geometry in attributes, looks in classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from threads_app.selectors.branches import Curve, Place

# A row is 52 wide and 48 high; its dot stands in the middle.
_MIDDLE, _BOTTOM = 24, 48
# A tree of up to this many rails is drawn wide; more than the last place holds share it.
_WIDE, _MOST = 2, 5


@dataclass(frozen=True, slots=True)
class Rail:
    """What is drawn beside one checkpoint."""

    lines: tuple[tuple[str, bool], ...]
    x: int
    # Whether it stands beside the line of the head.
    is_side: bool


def drawn(place: Place, *, rails: int) -> Rail:
    """Return a row's rail in a tree of so many."""
    at = _wide if rails <= _WIDE else _narrow
    return Rail(tuple(_lines(place.curves, at)), at(place.rail), is_side=place.rail > 0)


def _lines(curves: Iterable[Curve], at: Callable[[int], int]) -> Iterable[tuple[str, bool]]:
    for curve in curves:
        start, end = at(curve.rail), at(curve.to)
        path = {
            "through": f"M{start} 0V{_BOTTOM}",
            "up": f"M{start} 0V{_MIDDLE}",
            "down": f"M{start} {_MIDDLE}V{_BOTTOM}",
            "join": f"M{start} 0C{start} 15 {end} 9 {end} {_MIDDLE}",
        }[curve.kind]
        yield path, curve.rail > 0


def _wide(rail: int) -> int:
    return 18 + 20 * rail


def _narrow(rail: int) -> int:
    return 9 + 9 * min(rail, _MOST - 1)
