"""What the store does not take, and that it says where it stops being fit."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from langgraph.store.base import InvalidNamespaceError, PutOp

from checkpoints_app.storage import BadItem, BadNamespace
from checkpoints_app.store import ThreadHubStore

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

NOTES = ("olga", "notes")


class TestWhatCannotBeStored:
    @pytest.mark.parametrize(
        ("value", "where"),
        [
            ({"a": [{"b": datetime.now(UTC)}]}, r"value\['a'\]\[0\]\['b'\] is of type datetime"),
            ({"a": math.nan}, r"value\['a'\] is nan"),
            ({"a": -math.inf}, r"value\['a'\] is -inf"),
            ({"a": {1: 2}}, r"value\['a'\] has the key 1"),
            ({"a": {"x"}}, r"value\['a'\] is of type set"),
            ({"a": b"x"}, r"value\['a'\] is of type bytes"),
            ({"a": "x" * 1024 * 1024}, "at most 1048576"),
            ({"a": 10**5000}, "cannot be written"),
            ([1], "an object, not list"),
        ],
    )
    def test_is_refused_with_its_place(self, store: ThreadHubStore, value: Any, where: str) -> None:
        with pytest.raises(BadItem, match=where):
            store.put(NOTES, "a", value)

    def test_is_what_is_nested_without_end(self, store: ThreadHubStore) -> None:
        value: dict[str, Any] = {}
        value["again"] = value

        with pytest.raises(BadItem, match="64 levels"):
            store.put(NOTES, "a", value)

    def test_is_a_long_key(self, store: ThreadHubStore) -> None:
        store.put(("n" * 1023,), "k" * 1024, {})

        assert store.get(("n" * 1023,), "k" * 1024) is not None
        with pytest.raises(BadItem, match="1024 bytes"):
            store.put(NOTES, "永" * 342, {})

    @pytest.mark.parametrize(
        "namespace", [("a",) * 33, ("n" * 1024,), (), ("a.b",), ("",), (1,), ("a\x00",)]
    )
    def test_is_a_namespace_that_is_none(self, store: ThreadHubStore, namespace: Any) -> None:
        with pytest.raises((BadNamespace, InvalidNamespaceError)):
            store.batch([PutOp(namespace, "a", {})])

    def test_is_langgraphs_own_namespace(self, store: ThreadHubStore) -> None:
        with pytest.raises(BadNamespace, match="own"):
            store.batch([PutOp(("langgraph",), "a", {})])

    @pytest.mark.parametrize("ttl", [0, -1, math.nan, math.inf, True, 1e12, "5"])
    def test_is_a_time_to_live_that_is_none(self, store: ThreadHubStore, ttl: Any) -> None:
        with pytest.raises(BadItem, match="minutes"):
            store.put(NOTES, "a", {}, ttl=ttl)
