"""A graph of one workspace member that uses another."""

from __future__ import annotations

from other_member import asking

graph = asking().compile()
