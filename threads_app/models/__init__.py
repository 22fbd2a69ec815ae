"""The catalogue of graphs, threads, runs and interrupts."""

from __future__ import annotations

from .graph import Graph
from .interrupt import Interrupt
from .run import Run
from .thread import Thread

__all__ = ["Graph", "Interrupt", "Run", "Thread"]
