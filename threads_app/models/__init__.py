"""The catalogue of graphs, assistants, threads, runs and interrupts."""

from __future__ import annotations

from .assistant import Assistant, AssistantVersion
from .graph import Graph
from .interrupt import Interrupt
from .permissions import ThreadGroupPermission, ThreadUserPermission
from .run import Run
from .thread import Thread

__all__ = [
    "Assistant",
    "AssistantVersion",
    "Graph",
    "Interrupt",
    "Run",
    "Thread",
    "ThreadGroupPermission",
    "ThreadUserPermission",
]
