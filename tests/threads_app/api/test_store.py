"""The store over HTTP, as LangGraph's client calls it."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

import httpx
import pytest
from langgraph_sdk.client import SyncLangGraphClient
from langgraph_sdk.errors import UnprocessableEntityError


@pytest.fixture
def root() -> str:
    """Return a root label of the test's own: the server is shared."""
    return f"test-{uuid.uuid4()}"


class TestTheClient:
    def test_puts_gets_and_deletes_items(self, sdk: SyncLangGraphClient, root: str) -> None:
        value = {"text": "永 \x00", "list": [1, None, {"a": 2.5}]}

        assert sdk.store.put_item([root, "notes"], key="first one ", value=value) is None
        item = sdk.store.get_item([root, "notes"], key="first one ")

        assert item.keys() == {"namespace", "key", "value", "created_at", "updated_at"}
        assert (item["namespace"], item["key"]) == ([root, "notes"], "first one ")
        assert item["value"] == value
        assert datetime.fromisoformat(str(item["created_at"])).tzinfo is not None
        assert sdk.store.delete_item([root, "notes"], key="first one ") is None
        assert sdk.store.get_item([root, "notes"], key="first one ") is None
        sdk.store.delete_item([root, "notes"], key="first one ")

    def test_searches_by_filter(self, sdk: SyncLangGraphClient, root: str) -> None:
        for number in range(3):
            sdk.store.put_item([root, f"n{number}"], key="k", value={"n": number})

        found = sdk.store.search_items([root], filter={"n": {"$gte": 1}}, query="what?", limit=1)

        assert [item["value"] for item in found["items"]] == [{"n": 2}]
        assert found["items"][0]["score"] is None
        second = sdk.store.search_items([root], filter={"n": {"$gte": 1}}, offset=1)
        assert [item["namespace"] for item in second["items"]] == [[root, "n1"]]
        assert sdk.store.search_items([root, "n"])["items"] == []

    def test_lists_namespaces(self, sdk: SyncLangGraphClient, root: str) -> None:
        for labels in (["a", "v1"], ["a", "v2"], ["b", "v1"]):
            sdk.store.put_item([root, *labels], key="k", value={})

        def listed(**wanted: Any) -> list[list[str]]:
            return sdk.store.list_namespaces(**wanted)["namespaces"]

        assert listed(prefix=[root], suffix=["v1"]) == [[root, "a", "v1"], [root, "b", "v1"]]
        assert listed(prefix=[root], max_depth=2) == [[root, "a"], [root, "b"]]
        assert listed(prefix=[root], limit=1, offset=1) == [[root, "a", "v2"]]

    def test_lets_items_expire_unless_they_are_read(
        self, sdk: SyncLangGraphClient, root: str
    ) -> None:
        sdk.store.put_item([root], key="k", value={}, ttl=5, index=["text"])

        assert sdk.store.get_item([root], key="k", refresh_ttl=False) is not None
        assert sdk.store.get_item([root], key="k", refresh_ttl=True) is not None
        assert sdk.store.search_items([root], refresh_ttl=False)["items"]

    def test_is_told_what_cannot_be_stored(self, sdk: SyncLangGraphClient, root: str) -> None:
        with pytest.raises(UnprocessableEntityError) as caught:
            sdk.store.put_item(["langgraph", root], key="k", value={})

        assert caught.value.code == "bad_namespace"


def test_a_search_says_that_it_was_by_filter(operator: httpx.Client, root: str) -> None:
    body = {"namespace_prefix": [root], "query": "what?"}

    answer = operator.post("/store/items/search", json=body)

    assert answer.json() == {"items": []}
    assert answer.headers["X-ThreadHub-Searched-By"] == "filter"


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "items", {"namespace": [], "key": "k", "value": {}}),
        ("PUT", "items", {"namespace": ["a.b"], "key": "k", "value": {}}),
        ("PUT", "items", {"namespace": ["a", ""], "key": "k", "value": {}}),
        ("PUT", "items", {"namespace": ["a", 1], "key": "k", "value": {}}),
        ("PUT", "items", {"namespace": "a", "key": "k", "value": {}}),
        ("PUT", "items", {"namespace": ["a"], "key": "k" * 1025, "value": {}}),
        ("PUT", "items", {"namespace": ["a"], "key": None, "value": {}}),
        ("PUT", "items", {"namespace": ["a"], "key": "k", "value": []}),
        ("PUT", "items", {"namespace": ["a"], "key": "k", "value": {"x": "y" * 1024 * 1024}}),
        ("PUT", "items", {"namespace": ["a"], "key": "k", "value": {}, "ttl": 0}),
        ("PUT", "items", {"namespace": ["a"] * 33, "key": "k", "value": {}}),
        ("DELETE", "items", {"namespace": ["a"]}),
        ("POST", "items/search", {"namespace_prefix": ["a."]}),
        ("POST", "items/search", {"filter": {"n": {"$where": "1"}}}),
        ("POST", "items/search", {"limit": 1001}),
        ("POST", "items/search", {"offset": -1}),
        ("POST", "namespaces", {"max_depth": 0}),
        ("POST", "namespaces", {"suffix": ["\x00"]}),
    ],
)
def test_bad_input_is_refused_with_a_reason(
    operator: httpx.Client, method: str, path: str, body: dict[str, Any]
) -> None:
    answer = operator.request(method, f"/store/{path}", json=body)

    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"]


def test_a_get_names_its_place(operator: httpx.Client) -> None:
    assert operator.get("/store/items", params={"namespace": "a"}).status_code == 422
    assert operator.get("/store/items", params={"key": "k"}).status_code == 422
    assert operator.get("/store/items", params={"namespace": "a..b", "key": "k"}).is_client_error


def test_nobody_sees_what_is_anothers(
    operator: httpx.Client, stranger: httpx.Client, root: str
) -> None:
    place = {"namespace": [root], "key": "k"}
    asked = {"namespace": root, "key": "k"}
    operator.put("/store/items", json={**place, "value": {"of": "operator"}}).raise_for_status()

    assert stranger.get("/store/items", params=asked).json() is None
    assert stranger.post("/store/items/search", json={}).json() == {"items": []}
    assert stranger.post("/store/namespaces", json={}).json() == {"namespaces": []}
    stranger.request("DELETE", "/store/items", json=place).raise_for_status()
    stranger.put("/store/items", json={**place, "value": {"of": "stranger"}}).raise_for_status()
    assert operator.get("/store/items", params=asked).json()["value"] == {"of": "operator"}
    stranger.request("DELETE", "/store/items", json=place).raise_for_status()
    assert operator.get("/store/items", params=asked).json() is not None


def test_nobody_without_a_key_gets_in(address: str) -> None:
    assert httpx.get(f"{address}/store/items?namespace=a&key=k").status_code == 401
    assert httpx.post(f"{address}/store/items/search", json={}).status_code == 401
