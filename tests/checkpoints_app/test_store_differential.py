"""Any sequence of operations leaves our store and LangGraph's own in memory the same."""

from __future__ import annotations

from typing import Any

import hypothesis
import pytest
from hypothesis import strategies as st
from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    MatchCondition,
    Op,
    PutOp,
    SearchOp,
)
from langgraph.store.memory import InMemoryStore

from checkpoints_app.models import StoreItem
from checkpoints_app.store import ThreadHubStore
from threadhub.kernel import audit

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

EVERYTHING = 10_000

labels = st.sampled_from(["a", "b", "ab", "a b", "%", "_", "永", "\U0001f600", "é", "A"])
namespaces = st.lists(labels, min_size=1, max_size=3).map(tuple)
patterns = st.lists(labels | st.just("*"), max_size=3).map(tuple)
item_keys = st.sampled_from(["", "k", "K", "k\x00", "%", "永"])
numbers = st.integers(-3, 3) | st.sampled_from([0.5, -1.5, 2.0, 1e300])
scalars = st.none() | st.booleans() | numbers | st.sampled_from(["", "x", "2", "x\x00"])
json_values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["n", "m"]), inner, max_size=2)
    ),
    max_leaves=4,
)
# LangGraph's own store compares numbers only, and stops at anything else.
values = st.fixed_dictionaries(
    {"n": numbers}, optional={"x": json_values, "": json_values, "y": scalars}
)
comparisons = st.dictionaries(
    st.sampled_from(["$eq", "$ne", "$gt", "$gte", "$lt", "$lte"]), numbers, min_size=1, max_size=2
)
equalities = st.dictionaries(st.sampled_from(["$eq", "$ne"]), json_values, min_size=1)
filters = st.none() | st.fixed_dictionaries(
    {},
    optional={
        "n": numbers | comparisons,
        "x": json_values | equalities,
        "y": scalars,
        "missing": json_values,
    },
)
conditions = st.lists(
    st.builds(MatchCondition, st.sampled_from(["prefix", "suffix"]), patterns), max_size=2
).map(tuple)

puts = st.tuples(namespaces, item_keys, values).map(lambda parts: PutOp(*parts))
deletes = st.tuples(namespaces, item_keys).map(lambda place: PutOp(*place, None))
gets = st.tuples(namespaces, item_keys).map(lambda place: GetOp(*place))
searches = st.tuples(st.just(()) | namespaces, filters).map(
    lambda parts: SearchOp(*parts, limit=EVERYTHING)
)
listings = st.builds(
    ListNamespacesOp,
    conditions,
    st.none() | st.integers(1, 3),
    limit=st.integers(0, 4) | st.just(100),
    offset=st.integers(0, 2),
)
batches = st.lists(puts | puts | deletes | gets | searches | listings, min_size=1, max_size=6)


def comparable(answer: Any) -> Any:
    if isinstance(answer, Item):
        return answer.namespace, answer.key, repr(answer.value)
    return answer


def answers(op: Op, answer: Any) -> Any:
    """Return what is promised of an answer; the order of a search is each store's own."""
    if isinstance(op, SearchOp):
        return sorted(comparable(item) for item in answer)
    return comparable(answer)


def without_empty_namespaces(store: InMemoryStore) -> None:
    """Forget namespaces that were only looked into or emptied, which this store lists too."""
    for namespace in [found for found, kept in store._data.items() if not kept]:
        del store._data[namespace]


@hypothesis.settings(
    max_examples=100, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(history=st.lists(batches, max_size=8))
def test_answers_are_those_of_langgraphs_store_in_memory(
    store: ThreadHubStore, history: list[list[Op]]
) -> None:
    with audit.recording("test"):
        StoreItem.objects.all().delete()
    memory = InMemoryStore()

    for batch in history:
        # It looks at namespaces while it goes through a batch, so each is asked by itself.
        ours = store.batch(batch)
        expected = []
        for op in batch:
            without_empty_namespaces(memory)
            expected += [None] if isinstance(op, PutOp) else memory.batch([op])
        memory.batch([op for op in batch if isinstance(op, PutOp)])

        pairs = zip(batch, ours, expected, strict=True)
        for op, our, their in pairs:
            assert answers(op, our) == answers(op, their), op


@hypothesis.settings(
    max_examples=30, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(sizes=st.lists(st.integers(0, 4), min_size=1, max_size=6), wanted=st.booleans())
def test_pages_put_together_are_the_whole(
    store: ThreadHubStore, sizes: list[int], wanted: bool
) -> None:
    with audit.recording("test"):
        StoreItem.objects.all().delete()
    store.batch([PutOp(("a",), f"{at}", {"n": at}) for at in range(12)])
    chosen = {"n": {"$gte": 2}} if wanted else None
    whole = store.search((), filter=chosen, limit=EVERYTHING)

    pages, offset = [], 0
    for size in [*sizes, EVERYTHING]:
        pages += store.search((), filter=chosen, limit=size, offset=offset)
        offset += size

    assert pages == whole
