"""The demo project, loaded the way the server loads it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.store.memory import InMemoryStore

from threads_app.graphs.loaded import LoadedGraph
from threads_app.graphs.loader import load
from threads_app.graphs.project import read_project

PROJECT = Path(__file__).resolve().parents[2] / "examples" / "environment_audit"


@pytest.fixture(scope="session")
def demo() -> dict[str, LoadedGraph]:
    outcomes = load(read_project(PROJECT))
    return {outcome.name: outcome for outcome in outcomes if isinstance(outcome, LoadedGraph)}


@pytest.fixture
def var(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("THREADHUB_VAR", str(tmp_path / "var"))
    monkeypatch.delenv("THREADHUB_CHAT_MODEL", raising=False)
    return tmp_path / "var"


@pytest.fixture
def bound(demo: dict[str, LoadedGraph], var: Path) -> Any:
    """Return a graph of the demo project on a strict saver of its own, and one store for all."""
    store = InMemoryStore()

    def bind(name: str) -> Any:
        saver = InMemorySaver(serde=JsonPlusSerializer(allowed_msgpack_modules=None))
        return demo[name].bind(checkpointer=saver, store=store)

    return bind
