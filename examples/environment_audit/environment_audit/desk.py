"""Where the analysis leaves its findings and the report finds them: LangGraph's store.

ThreadHub tells every run of a session the session's id. It names the place, so that two
sessions do not meet on one desk.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.store.base import BaseStore

from environment_audit.kinds import AnalysisState, Finding, Machine, Package

KEY = "analysis"


class NothingThere(LookupError):
    """The analysis of this session has not left anything yet."""


def put(store: BaseStore, config: RunnableConfig, state: AnalysisState) -> None:
    """Leave what an analysis knows; what lay there is replaced."""
    value = {
        "machine": asdict(state["machine"]),
        "packages": [asdict(package) for package in state["packages"]],
        "findings": [finding.model_dump(mode="json") for finding in state["findings"]],
    }
    store.put(_place(config), KEY, value)


def take(store: BaseStore, config: RunnableConfig) -> dict[str, Any]:
    """Return machine, packages and findings. Raises NothingThere."""
    found = store.get(_place(config), KEY)
    if found is None:
        raise NothingThere("There is no analysis to report on: run the analysis first.")
    return {
        "machine": Machine.of(found.value["machine"]),
        "packages": [Package.of(item) for item in found.value["packages"]],
        "findings": [Finding(**item) for item in found.value["findings"]],
    }


def _place(config: RunnableConfig) -> tuple[str, str]:
    session = config.get("configurable", {}).get("session_id") or "no session"
    return ("environment-audit", str(session))
