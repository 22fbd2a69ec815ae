"""A graph in a package below `src`."""

from __future__ import annotations

from shared_graphs import asking

graph = asking().compile()
