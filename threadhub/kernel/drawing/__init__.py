"""Layered drawings of graphs: geometry in, nothing of the web; templates make SVG of it."""

from .folding import MORE, fold
from .layered import Drawing, Line, Path, Place, Shape, layout

__all__ = ["MORE", "Drawing", "Line", "Path", "Place", "Shape", "fold", "layout"]
