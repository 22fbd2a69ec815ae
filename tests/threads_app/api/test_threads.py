"""Threads over HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import ConflictError

# LangGraph's own fields; ours (title, graph_id, owner) stand beside them.
FIELDS = {
    "thread_id",
    "created_at",
    "updated_at",
    "state_updated_at",
    "metadata",
    "status",
    "config",
    "values",
    "interrupts",
    "error",
}


def test_a_new_thread_has_the_shape_clients_expect(operator: httpx.Client) -> None:
    made = operator.post("/threads", json={"metadata": {"a": 1}, "title": " Mine "}).json()

    assert made.keys() == FIELDS | {"title", "graph_id", "owner"}
    assert uuid.UUID(made["thread_id"])
    assert (made["status"], made["metadata"], made["title"]) == ("idle", {"a": 1}, "Mine")
    assert (made["values"], made["interrupts"], made["error"]) == (None, {}, None)
    assert operator.get(f"/threads/{made['thread_id']}").json() == made


def test_the_sdk_binds_a_thread_to_a_graph(sdk: SyncLangGraphClient) -> None:
    made = sdk.threads.create(graph_id="echo", metadata={"team": "red"})

    assert made["metadata"]["team"] == "red"
    assert made["metadata"]["graph_id"] == "echo"
    assert uuid.UUID(made["metadata"]["assistant_id"])
    assert made["graph_id"] == "echo"


class TestAnIdThatExists:
    def test_is_refused(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        with pytest.raises(ConflictError) as caught:
            sdk.threads.create(thread_id=thread_id)

        assert caught.value.code == "thread_exists"

    def test_is_returned_when_wanted(self, sdk: SyncLangGraphClient, thread_id: str) -> None:
        again = sdk.threads.create(thread_id=thread_id, if_exists="do_nothing", metadata={"b": 2})

        assert again["thread_id"] == thread_id
        assert again["metadata"] == {}

    def test_stays_hidden_when_it_is_another_persons(
        self, stranger: httpx.Client, thread_id: str
    ) -> None:
        body = {"thread_id": thread_id, "if_exists": "do_nothing"}

        assert stranger.post("/threads", json=body).status_code == 409


def test_an_update_merges_metadata_and_sets_the_title(
    operator: httpx.Client, thread_id: str
) -> None:
    url = f"/threads/{thread_id}"
    operator.patch(url, json={"metadata": {"a": 1, "b": {"c": [1, None]}}}).raise_for_status()
    changed = operator.patch(url, json={"metadata": {"a": 2}, "title": "New"}).json()

    assert changed["metadata"] == {"a": 2, "b": {"c": [1, None]}}
    assert changed["title"] == "New"


def test_an_update_may_want_no_answer(sdk: SyncLangGraphClient, thread_id: str) -> None:
    assert sdk.threads.update(thread_id, metadata={"x": 1}, return_minimal=True) is None
    assert sdk.threads.get(thread_id)["metadata"] == {"x": 1}


def test_a_deleted_thread_is_gone(sdk: SyncLangGraphClient, operator: httpx.Client) -> None:
    thread_id = sdk.threads.create()["thread_id"]
    sdk.runs.wait(thread_id, "echo", input={"text": "x"})
    sdk.threads.delete(thread_id)

    assert operator.get(f"/threads/{thread_id}").status_code == 404
    assert operator.get(f"/threads/{thread_id}/state").status_code == 404
    assert operator.delete(f"/threads/{thread_id}").status_code == 404


BAD_BODIES: dict[str, Any] = {
    "metadata": {"metadata": []},
    "thread_id": {"thread_id": "no-uuid"},
    "if_exists": {"if_exists": "perhaps"},
    "title": {"title": "x" * 256},
    "graph_id": {"graph_id": ["echo"]},
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_what_does_not_fit_is_named(operator: httpx.Client, name: str) -> None:
    answer = operator.post("/threads", json=BAD_BODIES[name])

    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"
    assert answer.json()["fields"].keys() == {name}


@pytest.mark.parametrize("metadata", [{"a": "x" * 70_000}, {"a": [[[[[[[[[[[[[]]]]]]]]]]]]]}])
def test_metadata_has_limits(operator: httpx.Client, metadata: dict[str, Any]) -> None:
    assert operator.post("/threads", json={"metadata": metadata}).status_code == 422


def test_an_unknown_graph_makes_no_thread(operator: httpx.Client, nobody: str) -> None:
    body = {"thread_id": nobody, "graph_id": "no-such-graph"}
    answer = operator.post("/threads", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "graph_unknown")
    assert "echo" in answer.json()["detail"]
    assert operator.get(f"/threads/{nobody}").status_code == 404


class TestSearch:
    ODD: dict[str, Any] = {
        "a.b": "dot",
        'a"b': "quote",
        "a__b": "underscores",
        "a'b": "apostrophe",
        "%s": "%s",
        "": "empty",
        "0": "digit",
        "$": "$",
        "é\\": "é\\",
        "nested": {"deep": [1, {"x": None}]},
        "none": None,
        "number": 1,
        "text": "1",
        "yes": True,
        "yes text": "true",
        "half": 0.5,
        "large": 2**60,
    }

    @pytest.fixture
    def odd(self, operator: httpx.Client) -> Iterator[str]:
        """The id of the one thread with odd metadata."""
        made = operator.post("/threads", json={"metadata": self.ODD}).json()["thread_id"]
        yield made
        operator.delete(f"/threads/{made}")

    def found(self, client: httpx.Client, **body: Any) -> list[str]:
        answer = client.post("/threads/search", json={"limit": 1000, **body})
        return [row["thread_id"] for row in answer.raise_for_status().json()]

    def test_finds_by_each_key(self, operator: httpx.Client, odd: str) -> None:
        for name, value in self.ODD.items():
            assert self.found(operator, metadata={name: value}) == [odd], name

    def test_tells_values_apart(self, operator: httpx.Client, odd: str) -> None:
        wrong = [("number", "1"), ("number", True), ("text", 1), ("none", "null"), ("a.b", "quote")]

        for name, value in wrong:
            assert odd not in self.found(operator, metadata={name: value}), (name, value)

    def test_finds_by_all_keys_together(self, operator: httpx.Client, odd: str) -> None:
        assert self.found(operator, metadata=self.ODD) == [odd]
        assert self.found(operator, metadata={**self.ODD, "number": 2}) == []

    def test_finds_own_threads_only(
        self, operator: httpx.Client, stranger: httpx.Client, odd: str
    ) -> None:
        assert self.found(operator, ids=[odd]) == [odd]
        assert self.found(stranger, ids=[odd]) == []

    def test_pages_with_totals_in_the_headers(self, operator: httpx.Client) -> None:
        mark = {"page": str(uuid.uuid4())}
        made = [operator.post("/threads", json={"metadata": mark}).json() for _ in range(3)]
        body = {"metadata": mark, "limit": 2, "sort_by": "created_at", "sort_order": "asc"}
        first = operator.post("/threads/search", json=body)
        second = operator.post("/threads/search", json={**body, "offset": 2})

        shown = [*first.json(), *second.json()]
        assert [row["thread_id"] for row in shown] == [row["thread_id"] for row in made]
        assert first.headers["X-Pagination-Total"] == "3"
        assert first.headers["X-Pagination-Next"] == "2"
        assert second.headers["X-Pagination-Total"] == "3"
        assert "X-Pagination-Next" not in second.headers

    def test_filters_by_status(self, sdk: SyncLangGraphClient) -> None:
        mark = {"status": str(uuid.uuid4())}
        idle = sdk.threads.create(metadata=mark)["thread_id"]
        waiting = sdk.threads.create(metadata=mark)["thread_id"]
        sdk.runs.wait(waiting, "asks", input={"subject": "this"})

        def ids(status: Any) -> list[str]:
            return [row["thread_id"] for row in sdk.threads.search(metadata=mark, status=status)]

        assert ids("idle") == [idle]
        assert ids("interrupted") == [waiting]
        assert ids("error") == []

    @pytest.mark.parametrize(
        "body",
        [
            {"limit": 5000},
            {"limit": 0},
            {"limit": "many"},
            {"offset": -1},
            {"status": "asleep"},
            {"sort_by": "owner__password"},
            {"sort_order": "up"},
            {"ids": ["x"] * 1001},
            {"ids": ["\x00"]},
            {"metadata": "x"},
            {"metadata": {str(number): 0 for number in range(500)}},
            {"values": {"text": "x"}},
        ],
        ids=lambda body: str(body)[:40],
    )
    def test_refuses(self, operator: httpx.Client, body: dict[str, Any]) -> None:
        answer = operator.post("/threads/search", json=body)

        assert answer.status_code == 422
        places = answer.json()["fields"]
        assert {place.partition(".")[0] for place in places} == body.keys()


@pytest.mark.parametrize("text", ["not-a-uuid", "%00", "x" * 300, "%F0%9F%90%8D", "%ED%A0%80"])
def test_what_is_no_id_is_invalid(operator: httpx.Client, text: str) -> None:
    assert operator.get(f"/threads/{text}").status_code == 422
    assert operator.get(f"/threads/{text}/state").status_code == 422
    assert operator.get(f"/threads/{uuid.uuid4()}/runs/{text}").status_code == 422
