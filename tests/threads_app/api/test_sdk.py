"""The everyday things of LangGraph's own clients, against a real server, on both databases."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from langgraph_sdk import get_client
from langgraph_sdk.client import LangGraphClient, SyncLangGraphClient
from langgraph_sdk.errors import ConflictError, NotFoundError, UnprocessableEntityError

pytestmark = pytest.mark.both_databases

HasStatus = Callable[[dict[str, Any], str], None]
WaitUntil = Callable[..., object]
HELLO = {"messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture
async def asdk(address: str, keys: dict[str, str]) -> Any:
    """Return the asynchronous client, with the operator's key."""
    async with get_client(url=address, api_key=keys["operator"]) as client:
        yield client


def by_event(parts: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for part in parts:
        found[part.event].append(part.data)
    return found


class TestThreads:
    def test_are_created_found_counted_changed_and_deleted(self, sdk: SyncLangGraphClient) -> None:
        team = {"team": uuid.uuid4().hex}
        made = [sdk.threads.create(graph_id="echo", metadata=team) for _ in range(3)]
        found = sdk.threads.search(metadata=team, limit=2, sort_by="created_at", sort_order="asc")

        assert [row["thread_id"] for row in found] == [row["thread_id"] for row in made[:2]]
        assert sdk.threads.count(metadata=team) == 3
        assert sdk.threads.count(metadata=team, status="busy") == 0
        changed = sdk.threads.update(made[0]["thread_id"], metadata={"more": 1})
        assert changed["metadata"]["more"] == 1
        sdk.threads.delete(made[0]["thread_id"])
        assert sdk.threads.count(metadata=team) == 2
        with pytest.raises(NotFoundError):
            sdk.threads.get(made[0]["thread_id"])

    def test_are_shown_in_part(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        shown = sdk.threads.search(ids=[thread_id], select=["thread_id", "status"])

        assert shown == [{"thread_id": thread_id, "status": "idle"}]

    def test_have_a_state_that_can_be_changed_and_a_history(
        self, sdk: SyncLangGraphClient, thread_id: str
    ) -> None:
        sdk.runs.wait(thread_id, "echo", input={"text": "x"})
        before = sdk.threads.get_state(thread_id)
        sdk.threads.update_state(thread_id, {"text": "changed"}, as_node="say")
        history = sdk.threads.get_history(thread_id, limit=10)

        assert before["values"] == {"text": "X", "count": 1}
        assert sdk.threads.get_state(thread_id)["values"]["text"] == "changed"
        assert history[1]["checkpoint"] == before["checkpoint"]
        earlier = sdk.threads.get_state(thread_id, checkpoint=before["checkpoint"])
        assert earlier["values"] == before["values"]
        (older,) = sdk.threads.get_history(thread_id, before=history[1]["checkpoint"], limit=1)
        assert older["checkpoint"] == history[2]["checkpoint"]

    def test_show_parts_of_their_state(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        sdk.runs.wait(thread_id, "echo", input={"text": "x"})
        place = sdk.threads.get_state(thread_id)["checkpoint"]
        parts = ["values.text", "next", "values.nothing"]
        expected = {"values": {"text": "X"}, "next": []}

        assert sdk.threads.get_state(thread_id, select=parts) == expected
        assert sdk.threads.get_state(thread_id, checkpoint=place, select=parts) == expected
        assert sdk.threads.get_history(thread_id, select=parts, limit=1) == [expected]
        with pytest.raises(UnprocessableEntityError):
            sdk.threads.get_state(thread_id, select=["secrets"])

    def test_keep_their_state_while_a_run_executes(
        self, sdk: SyncLangGraphClient, thread_id: str, gate: Any, has_status: HasStatus
    ) -> None:
        run = sdk.runs.create(thread_id, "waits", input=gate.input)
        has_status(run, "running")
        with pytest.raises(ConflictError):
            sdk.threads.update_state(thread_id, {"done": True})
        gate.open()

        assert sdk.runs.join(thread_id, run["run_id"])["done"] is True  # type: ignore[call-overload]


class TestRuns:
    def test_answer_questions_of_subgraphs_with_a_command(
        self, sdk: SyncLangGraphClient, thread_id: str
    ) -> None:
        asked: Any = sdk.runs.wait(thread_id, "nested", input={"subject": "x"})
        state = sdk.threads.get_state(thread_id, subgraphs=True)
        answered: Any = sdk.runs.wait(thread_id, "nested", command={"resume": "yes"})

        assert asked["__interrupt__"][0]["value"] == {"about": "x"}
        assert sdk.threads.get(thread_id)["status"] == "idle"
        assert state["tasks"][0]["state"]["values"]["subject"] == "x"  # type: ignore[index]
        assert answered["answers"] == ["yes"]

    def test_are_refused_or_wait_in_line(
        self, sdk: SyncLangGraphClient, thread_id: str, gate: Any, has_status: HasStatus
    ) -> None:
        first = sdk.runs.create(thread_id, "waits", input=gate.input)
        has_status(first, "running")
        second = sdk.runs.create(thread_id, "waits", input=gate.input, multitask_strategy="enqueue")
        with pytest.raises(ConflictError):
            sdk.runs.create(thread_id, "waits", input=gate.input, multitask_strategy="reject")
        assert sdk.runs.get(thread_id, second["run_id"])["status"] == "pending"
        gate.open()
        sdk.runs.join(thread_id, second["run_id"])

        statuses = [run["status"] for run in sdk.runs.list(thread_id)]
        assert statuses == ["success", "success"]
        (shown,) = sdk.runs.list(thread_id, limit=1, select=["run_id"])
        assert shown == {"run_id": second["run_id"]}

    def test_are_cancelled_one_by_one_and_many_at_once(
        self, sdk: SyncLangGraphClient, thread_id: str, gate: Any, has_status: HasStatus
    ) -> None:
        running = sdk.runs.create(thread_id, "waits", input=gate.input)
        has_status(running, "running")
        sdk.runs.cancel(thread_id, running["run_id"], wait=True)
        later = [
            sdk.runs.create(thread_id, "echo", input={"text": "x"}, after_seconds=3600)
            for _ in range(3)
        ]
        chosen = [run["run_id"] for run in later[:2]]
        sdk.runs.cancel_many(thread_id=thread_id, run_ids=chosen)
        with pytest.raises(NotFoundError):
            sdk.runs.cancel_many(thread_id=thread_id, run_ids=[str(uuid.uuid4())])

        statuses = [run["status"] for run in reversed(sdk.runs.list(thread_id))]
        assert statuses == ["interrupted", "interrupted", "interrupted", "pending"]

    def test_are_deleted_in_any_state_but_not_with_an_open_question(
        self, sdk: SyncLangGraphClient, thread_id: str, gate: Any, has_status: HasStatus
    ) -> None:
        running = sdk.runs.create(thread_id, "waits", input=gate.input)
        has_status(running, "running")
        pending = sdk.runs.create(thread_id, "waits", input=gate.input, after_seconds=3600)
        sdk.runs.delete(thread_id, running["run_id"])
        sdk.runs.delete(thread_id, pending["run_id"])
        assert sdk.runs.list(thread_id) == []
        assert sdk.threads.get(thread_id)["status"] == "idle"
        gate.open()
        done: Any = sdk.runs.wait(thread_id, "waits", input=gate.input)
        assert done["done"] is True

        other = sdk.threads.create()["thread_id"]
        sdk.runs.wait(other, "asks", input={"subject": "x"})
        (asking,) = sdk.runs.list(other)
        with pytest.raises(ConflictError):
            sdk.runs.delete(other, asking["run_id"])
        sdk.runs.wait(other, "asks", command={"resume": "yes"})
        sdk.runs.delete(other, asking["run_id"])
        assert len(sdk.runs.list(other)) == 1
        assert sdk.threads.get_state(other)["values"]["answers"] == ["yes"]  # type: ignore[call-overload]

    def test_start_in_batches(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        bodies: Any = [
            {"assistant_id": "echo", "input": {"text": "on a thread"}, "thread_id": thread_id},
            {"assistant_id": "echo", "input": {"text": "alone"}},
        ]
        made = sdk.runs.create_batch(bodies)

        assert made[0]["thread_id"] == thread_id != made[1]["thread_id"]
        assert sdk.runs.join(thread_id, made[0]["run_id"])["text"] == "ON A THREAD"  # type: ignore[call-overload]


class TestRunsWithoutAThread:
    def test_leave_nothing_behind(self, sdk: SyncLangGraphClient, wait_until: WaitUntil) -> None:
        places: list[Any] = []
        waited: Any = sdk.runs.wait(None, "echo", input={"text": "x"}, on_run_created=places.append)
        parts = list(
            sdk.runs.stream(
                None,
                "echo",
                input={"text": "x"},
                stream_mode="updates",
                on_run_created=places.append,
            )
        )
        background = sdk.runs.create(None, "asks", input={"subject": "x"})

        assert waited["text"] == "X"
        assert [part.event for part in parts] == ["metadata", "updates", "end"]
        ids = [place["thread_id"] for place in places] + [background["thread_id"]]
        assert len(set(ids)) == 3
        wait_until(
            lambda: sdk.threads.search(ids=ids) == [], timeout=30, message="the threads are gone"
        )

    def test_keep_their_thread_when_asked_to(self, sdk: SyncLangGraphClient) -> None:
        run = sdk.runs.create(None, "echo", input={"text": "x"}, on_completion="keep")
        values: Any = sdk.runs.join(run["thread_id"], run["run_id"])

        assert values["text"] == "X"
        assert sdk.threads.get_state(run["thread_id"])["values"]["text"] == "X"

    def test_need_a_thread_to_resume(self, operator: Any) -> None:
        body = {"assistant_id": "asks", "command": {"resume": "x"}}
        answer = operator.post("/runs/wait", json=body)

        assert (answer.status_code, answer.json()["code"]) == (400, "thread_needed")


class TestStreams:
    def test_show_every_mode_with_subgraphs(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        modes: Any = ["values", "updates", "custom", "tasks", "checkpoints", "debug"]
        parts = sdk.runs.stream(
            thread_id, "nested", input={"subject": "x"}, stream_mode=modes, stream_subgraphs=True
        )
        names = {part.event.partition(":")[0] for part in parts}

        expected = {"values", "updates", "tasks", "checkpoints", "debug"}
        assert expected <= names
        assert {f"{mode}|inner" for mode in expected - {"updates"}} <= names

    def test_grow_messages_token_by_token(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        modes: Any = ["messages", "messages-tuple"]
        shown = by_event(sdk.runs.stream(thread_id, "chat", input=HELLO, stream_mode=modes))

        texts = [message["content"] for (message,) in shown["messages/partial"]]
        assert texts[-1] == "three short words"
        assert texts == sorted(texts, key=len) and len(texts) > 1
        ((key, about),) = shown["messages/metadata"][0].items()
        assert about["metadata"]["langgraph_node"] == "talk"
        assert {message["id"] for (message,) in shown["messages/partial"]} == {key}
        assert "".join(chunk["content"] for chunk, _ in shown["messages"]) == texts[-1]

    def test_go_on_growing_a_message_after_a_cut(
        self, sdk: SyncLangGraphClient, thread_id: str
    ) -> None:
        modes: Any = ["messages"]
        run = sdk.runs.create(thread_id, "chat", input=HELLO, stream_mode=modes)
        whole = list(sdk.runs.join_stream(thread_id, run["run_id"]))
        seen = next(part for part in whole if part.event == "messages/partial")
        rest = list(sdk.runs.join_stream(thread_id, run["run_id"], last_event_id=seen.id))

        assert rest == whole[whole.index(seen) + 1 :]

    def test_wrap_tasks_and_checkpoints_for_debugging(
        self, sdk: SyncLangGraphClient, thread_id: str
    ) -> None:
        parts = sdk.runs.stream(thread_id, "echo", input={"text": "x"}, stream_mode="debug")
        shown = by_event(parts)["debug"]

        kinds = [(entry["type"], entry["step"]) for entry in shown]
        assert kinds == [
            ("checkpoint", -1),
            ("checkpoint", 0),
            ("task", 1),
            ("task_result", 1),
            ("checkpoint", 1),
        ]
        assert shown[2]["payload"]["name"] == "say"


async def test_the_asynchronous_client_does_the_same(asdk: LangGraphClient) -> None:
    thread = await asdk.threads.create(graph_id="asks", metadata={"kind": "async"})
    key = thread["thread_id"]
    modes: Any = ["updates", "debug"]
    parts = [
        part
        async for part in asdk.runs.stream(key, "asks", input={"subject": "x"}, stream_mode=modes)
    ]
    state = await asdk.threads.get_state(key)
    answered: Any = await asdk.runs.wait(key, "asks", command={"resume": "yes"})
    history = await asdk.threads.get_history(key, limit=5)
    alone: Any = await asdk.runs.wait(None, "echo", input={"text": "x"})
    run = await asdk.runs.create(key, "asks", input={"subject": "y"}, after_seconds=3600)
    await asdk.runs.cancel(key, run["run_id"])
    again = [part.event async for part in asdk.runs.join_stream(key, run["run_id"])]

    assert parts[-1].event == "end"
    assert state["interrupts"][0]["value"] == {"about": "x"}
    assert answered["answers"] == ["yes"]
    assert history[0]["values"]["answers"] == ["yes"]
    assert alone["text"] == "X"
    assert again == ["metadata", "end"]
    assert (await asdk.runs.get(key, run["run_id"]))["status"] == "interrupted"


def test_assistants_and_store_items_are_kept(sdk: SyncLangGraphClient, thread_id: str) -> None:
    made = sdk.assistants.create("echo", name="Mine", config={"tags": ["t"]})
    values: Any = sdk.runs.wait(thread_id, made["assistant_id"], input={"text": "x"})
    namespace = ["notes", uuid.uuid4().hex]
    sdk.store.put_item(namespace, "one", {"about": "cats"})

    assert values["text"] == "X"
    assert sdk.store.get_item(namespace, "one")["value"] == {"about": "cats"}
    found = sdk.store.search_items(namespace, filter={"about": "cats"})["items"]
    assert [item["key"] for item in found] == ["one"]
    assert sdk.store.list_namespaces(prefix=namespace)["namespaces"] == [namespace]
    sdk.store.delete_item(namespace, "one")
    assert sdk.store.search_items(namespace)["items"] == []
