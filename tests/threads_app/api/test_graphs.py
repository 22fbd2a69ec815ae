"""Graphs over HTTP."""

from __future__ import annotations

import uuid

import httpx


def test_all_graphs_are_listed_with_what_is_wrong(operator: httpx.Client) -> None:
    shown = {row["graph_id"]: row for row in operator.get("/graphs").json()}

    assert (shown["echo"]["status"], shown["echo"]["problem"]) == ("loaded", "")
    assert shown["broken"]["status"] == "failed"
    assert "missing.py" in shown["broken"]["problem"]
    assert "structure" not in shown["echo"]


def test_a_graph_is_found_by_name_and_by_assistant_id(operator: httpx.Client) -> None:
    by_name = operator.get("/graphs/echo").json()
    by_id = operator.get(f"/graphs/{by_name['assistant_id']}").json()

    assert by_id == by_name
    assert [node["id"] for node in by_name["structure"]["nodes"]] == ["__start__", "say", "__end__"]
    assert by_name["structure"]["schemas"]["input"]["properties"].keys() == {"text", "count"}


def test_an_unknown_graph_is_not_found(operator: httpx.Client) -> None:
    for name in ("nothing", str(uuid.uuid4()), "%00", "x" * 1000):
        assert operator.get(f"/graphs/{name}").status_code == 404
