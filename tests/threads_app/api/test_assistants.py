"""Assistants, through LangGraph's own client."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import NotFoundError

NAMESPACE = uuid.UUID("6ba7b821-9dad-11d1-80b4-00c04fd430c8")


@pytest.fixture
def assistant(sdk: SyncLangGraphClient) -> Any:
    """Return an assistant of the operator's."""
    return sdk.assistants.create("echo", name="Mine", metadata={"team": uuid.uuid4().hex})


def test_every_graph_has_a_default_one_under_the_id_clients_expect(
    sdk: SyncLangGraphClient,
) -> None:
    default = sdk.assistants.get(str(uuid.uuid5(NAMESPACE, "echo")))

    assert (default["graph_id"], default["version"]) == ("echo", 1)
    assert default["metadata"] == {"created_by": "system"}
    assert sdk.assistants.search(graph_id="echo", metadata={"created_by": "system"}) == [default]
    assert sdk.assistants.count(graph_id="echo", metadata={"created_by": "system"}) == 1


def test_every_change_is_a_version_and_any_can_be_put_in_force(
    sdk: SyncLangGraphClient, assistant: Any
) -> None:
    key = assistant["assistant_id"]

    changed = sdk.assistants.update(key, config={"recursion_limit": 7}, name="Ours")
    assert (changed["version"], changed["name"]) == (2, "Ours")
    assert changed["metadata"] == assistant["metadata"]
    assert [row["version"] for row in sdk.assistants.get_versions(key)] == [2, 1]

    back = sdk.assistants.set_latest(key, 1)
    assert (back["version"], back["name"], back["config"]) == (1, "Mine", {})
    assert sdk.assistants.update(key, name="Third")["version"] == 3
    with pytest.raises(NotFoundError):
        sdk.assistants.set_latest(key, 9)


def test_a_run_takes_the_assistants_configuration_below_its_own(
    sdk: SyncLangGraphClient, operator: httpx.Client, assistant: Any
) -> None:
    below = {"tags": ["below"], "recursion_limit": 9, "configurable": {"a": 1, "b": 1}}
    sdk.assistants.update(assistant["assistant_id"], config=below)
    thread = sdk.threads.create()["thread_id"]

    run = sdk.runs.create(
        thread,
        assistant["assistant_id"],
        input={"text": "x"},
        config={"recursion_limit": 12, "configurable": {"b": 2}},
    )

    assert run["assistant_id"] == assistant["assistant_id"]
    config = run["kwargs"]["config"]
    assert (config["recursion_limit"], config["tags"]) == (12, ["below"])
    assert config["configurable"] == {"a": 1, "b": 2}
    sdk.runs.join(thread, run["run_id"])
    found = operator.post("/threads/search", json={"metadata": {"graph_id": "echo"}, "limit": 1000})
    mine = [row for row in found.json() if row["thread_id"] == thread]
    assert mine[0]["metadata"]["assistant_id"] == assistant["assistant_id"]


def test_others_neither_see_nor_use_it(
    sdk: SyncLangGraphClient, stranger: httpx.Client, assistant: Any
) -> None:
    path = f"/assistants/{assistant['assistant_id']}"

    assert stranger.get(path).status_code == 404
    assert stranger.patch(path, json={"name": "x"}).status_code == 404
    assert stranger.delete(path).status_code == 404
    thread = stranger.post("/threads", json={}).json()["thread_id"]
    order = {"assistant_id": assistant["assistant_id"], "input": {}}
    assert stranger.post(f"/threads/{thread}/runs", json=order).status_code == 422
    found = stranger.post("/assistants/search", json={"metadata": assistant["metadata"]})
    assert found.json() == []
    taken = {"graph_id": "echo", "assistant_id": assistant["assistant_id"]}
    for if_exists in ("raise", "do_nothing"):
        answer = stranger.post("/assistants", json={**taken, "if_exists": if_exists})
        assert answer.status_code == 409
    assert sdk.assistants.get(assistant["assistant_id"])["name"] == "Mine"


def test_the_default_one_is_nobodys_to_change(operator: httpx.Client) -> None:
    path = f"/assistants/{uuid.uuid5(NAMESPACE, 'echo')}"

    assert operator.patch(path, json={"name": "x"}).status_code == 403
    assert operator.delete(path).status_code == 403


def test_a_deleted_one_leaves_its_runs_readable(sdk: SyncLangGraphClient, assistant: Any) -> None:
    thread = sdk.threads.create()["thread_id"]
    run = sdk.runs.create(thread, assistant["assistant_id"], input={"text": "x"})
    sdk.runs.join(thread, run["run_id"])

    sdk.assistants.delete(assistant["assistant_id"])

    shown = sdk.runs.get(thread, run["run_id"])
    assert (shown["assistant_id"], shown["status"]) == (assistant["assistant_id"], "success")
    with pytest.raises(NotFoundError):
        sdk.assistants.get(assistant["assistant_id"])


def test_the_same_id_again_is_the_same_assistant_when_that_is_wanted(
    sdk: SyncLangGraphClient, assistant: Any
) -> None:
    again = sdk.assistants.create(
        "echo", assistant_id=assistant["assistant_id"], if_exists="do_nothing", name="Other"
    )

    assert again == assistant


def test_a_graph_is_drawn_and_described(sdk: SyncLangGraphClient) -> None:
    drawing = sdk.assistants.get_graph("echo", xray=True)
    assert {"__start__", "__end__"} < {node["id"] for node in drawing["nodes"]}
    assert all({"source", "target"} <= set(edge) for edge in drawing["edges"])

    schemas = sdk.assistants.get_schemas("echo")
    assert schemas["graph_id"] == "echo"
    assert schemas["input_schema"]["type"] == "object"
    assert isinstance(sdk.assistants.get_subgraphs("echo"), dict)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 422),
        ({"graph_id": "nowhere"}, 422),
        ({"graph_id": "echo", "config": []}, 422),
        ({"graph_id": "echo", "metadata": []}, 422),
        ({"graph_id": "echo", "assistant_id": "x"}, 422),
        ({"graph_id": "echo", "config": {"configurable": {"a": 1}}, "context": {"b": 1}}, 400),
    ],
)
def test_a_wrong_body_is_refused(operator: httpx.Client, body: Any, status: int) -> None:
    answer = operator.post("/assistants", json=body)

    assert answer.status_code == status and answer.json()["detail"]


def test_subgraphs_are_drawn_and_described_too(sdk: SyncLangGraphClient) -> None:
    plain = {node["id"] for node in sdk.assistants.get_graph("nested")["nodes"]}
    deep = {node["id"] for node in sdk.assistants.get_graph("nested", xray=True)["nodes"]}
    assert "inner" in plain and not any(name.startswith("inner:") for name in plain)
    assert any(name.startswith("inner:") for name in deep)

    found = sdk.assistants.get_subgraphs("nested", recurse=True)
    assert found
    for name, described in found.items():
        assert described["input_schema"]["type"] == "object"
        assert name in sdk.assistants.get_subgraphs("nested", namespace=name)
