"""What LangGraph's store promises, kept over our tables."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC
from typing import Any

import pytest
from django.db import connection, transaction
from langgraph.store.base import (
    GetOp,
    Item,
    ListNamespacesOp,
    PutOp,
    SearchOp,
)

from checkpoints_app import store as store_module
from checkpoints_app.models import StoreItem
from checkpoints_app.services import heads
from checkpoints_app.storage import (
    BadItem,
    BadQuery,
    Batch,
    FenceLost,
    InsideTransaction,
    Memory,
    Store,
    store_for,
)
from checkpoints_app.store import ThreadHubStore
from threadhub.kernel import clock

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

NOTES = ("olga", "notes")
NASTY = "\x00 \ud800 % _ \\ ' \" \u6c38 \U0001f600"


def keys(found: list[Any]) -> list[str]:
    return [item.key for item in found]


class TestAnItem:
    def test_comes_back_as_it_was_stored(self, store: ThreadHubStore) -> None:
        value = {"a": [1, 2.5, None, True, {"b": NASTY}], NASTY: "永", "big": 2**80}

        store.put(NOTES, "first", value)
        found = store.get(NOTES, "first")

        assert isinstance(found, Item)
        assert (found.namespace, found.key, found.value) == (NOTES, "first", value)
        assert found.created_at == found.updated_at
        assert found.created_at.tzinfo is UTC

    def test_keeps_any_text_in_its_key_and_labels(self, store: ThreadHubStore) -> None:
        labels = ("% _ \\ '", "\ud800", "永", "*")

        store.put(labels, NASTY, {"a": 1})

        assert store.get(labels, NASTY) == store.search(labels[:1])[0]
        assert store.list_namespaces() == [labels]

    def test_that_does_not_exist_is_none(self, store: ThreadHubStore) -> None:
        assert store.get(NOTES, "nothing") is None
        assert store.get((), "nothing") is None

    def test_stored_again_keeps_when_it_was_created(self, store: ThreadHubStore) -> None:
        store.put(NOTES, "a", {"n": 1})
        first = store.get(NOTES, "a")

        store.put(NOTES, "a", {"n": 2})
        second = store.get(NOTES, "a")

        assert first is not None and second is not None
        assert second.value == {"n": 2}
        assert second.created_at == first.created_at < second.updated_at

    def test_is_deleted_by_delete_and_by_none(self, store: ThreadHubStore) -> None:
        store.put(NOTES, "a", {})
        store.put(NOTES, "b", {})

        store.delete(NOTES, "a")
        store.batch([PutOp(NOTES, "b", None), PutOp(NOTES, "never", None)])

        assert store.search(NOTES) == []
        assert store.list_namespaces() == []

    def test_is_a_copy_that_nobody_else_changes(self, store: ThreadHubStore) -> None:
        value: dict[str, Any] = {"list": []}
        store.put(NOTES, "a", value)
        value["list"].append("later")

        found = store.get(NOTES, "a")

        assert found is not None and found.value == {"list": []}


class TestABatch:
    def test_reads_what_was_there_before_and_keeps_the_last_change(
        self, store: ThreadHubStore
    ) -> None:
        store.put(NOTES, "a", {"n": 0})

        answers = store.batch(
            [
                PutOp(NOTES, "a", {"n": 1}),
                GetOp(NOTES, "a"),
                PutOp(NOTES, "b", {"n": 2}),
                PutOp(NOTES, "a", {"n": 3}),
                SearchOp(NOTES),
                PutOp(NOTES, "b", None),
                ListNamespacesOp(),
                GetOp(NOTES, "nothing"),
            ]
        )

        assert [answers[at] for at in (0, 2, 3, 5, 7)] == [None] * 5
        assert answers[1].value == {"n": 0}
        assert keys(answers[4]) == ["a"]
        assert answers[6] == [NOTES]
        assert [item.value for item in store.search(NOTES)] == [{"n": 3}]

    def test_is_stored_as_a_whole_or_not_at_all(self, store: ThreadHubStore) -> None:
        with pytest.raises(BadItem):
            store.batch([PutOp(NOTES, "a", {}), PutOp(NOTES, "b", {"x": object()})])

        assert store.search(()) == []

    def test_of_hundreds_takes_a_statement_for_each_200(
        self, store: ThreadHubStore, statements: list[str]
    ) -> None:
        puts = [PutOp(NOTES, f"{number:03}", {"n": number}) for number in range(400)]
        store.batch(puts)
        inserts = [sql for sql in statements if sql.startswith("INSERT")]
        statements.clear()

        found = store.batch([GetOp(NOTES, f"{number:03}") for number in range(200)])

        assert len(inserts) == 2
        assert len(statements) == 1
        assert [item.value["n"] for item in found] == list(range(200))

    async def test_may_be_awaited(self, store: ThreadHubStore) -> None:
        await store.aput(NOTES, "a", {"n": 1})
        await store.aput((*NOTES, "deep"), "b", {"n": 2})

        assert (await store.aget(NOTES, "a")).value == {"n": 1}  # type: ignore[union-attr]
        assert keys(await store.asearch(NOTES, filter={"n": {"$gt": 1}})) == ["b"]
        assert await store.alist_namespaces(suffix=("deep",)) == [(*NOTES, "deep")]
        await store.adelete(NOTES, "a")
        assert keys(await store.asearch(())) == ["b"]
        # On the loop's own thread a blocking call waits, and no more.
        assert keys(store.search(())) == ["b"]

    def test_is_refused_inside_a_transaction(self, store: ThreadHubStore) -> None:
        with transaction.atomic(), pytest.raises(InsideTransaction):
            store.get(NOTES, "a")

    def test_needs_a_person(self, store: ThreadHubStore) -> None:
        with pytest.raises(RuntimeError, match="for_actor"):
            ThreadHubStore().get(NOTES, "a")

    def test_of_one_process_does_not_deadlock_with_anothers(self, people: Any) -> None:
        owner = people("olga").pk
        # Connections of their own each, as two processes have them.
        stores = [Store("default"), Store("default")]
        errors: list[BaseException] = []

        def write(at: int, step: int) -> None:
            try:
                for turn in range(15):
                    asked = Batch()
                    for number in range(10)[::step]:
                        asked.get(NOTES, f"{number}")
                        asked.put(NOTES, f"{number}", {"turn": turn}, ttl=9)
                    asked.delete(NOTES, f"{turn % 10}")
                    Memory(stores[at], owner=owner).run(asked)
            except BaseException as error:
                errors.append(error)

        places = [(0, 1), (1, -1), (0, -1), (1, 1)]
        writers = [threading.Thread(target=write, args=place) for place in places]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        for store in stores:
            store.close()

        assert errors == []
        assert StoreItem.objects.count() == 9


class TestASearch:
    @pytest.fixture(autouse=True)
    def _items(self, store: ThreadHubStore) -> None:
        for number, (label, value) in enumerate(
            [("x", {"n": 1, "t": "b"}), ("x", {"n": 2.5}), ("xy", {"n": None}), ("x", {"t": "a"})]
        ):
            store.put(("top", label), f"{number}", value)

    def test_finds_what_is_below_a_namespace_latest_first(self, store: ThreadHubStore) -> None:
        assert keys(store.search(("top", "x"))) == ["3", "1", "0"]
        assert keys(store.search(("top",))) == ["3", "2", "1", "0"]
        assert keys(store.search(("to",))) == []
        store.put(("top", "x"), "0", {"n": 9})
        assert keys(store.search(())) == ["0", "3", "2", "1"]

    def test_has_pages(self, store: ThreadHubStore) -> None:
        assert keys(store.search((), limit=2, offset=1)) == ["2", "1"]
        assert store.search((), limit=0) == []
        assert keys(store.search((), filter={"n": {"$ne": 7}}, limit=2, offset=2)) == ["1", "0"]
        assert store.search((), offset=100) == []

    @pytest.mark.parametrize(
        ("wanted", "found"),
        [
            ({"n": 1}, ["0"]),
            ({"n": {"$gte": 1, "$lt": 2.5}}, ["0"]),
            ({"n": {"$gt": "2"}}, ["1"]),
            ({"t": {"$gt": "a"}}, ["0"]),
            ({"n": None}, ["3", "2"]),
            ({"n": {"$ne": 1}}, ["3", "2", "1"]),
            ({"n": 1, "t": {"$eq": "b"}}, ["0"]),
            ({"n": {"deep": 1}}, []),
        ],
    )
    def test_filters(self, store: ThreadHubStore, wanted: dict[str, Any], found: list[str]) -> None:
        assert keys(store.search(("top",), filter=wanted)) == found

    def test_filters_beyond_what_is_read_at_once(self, store: ThreadHubStore) -> None:
        store.batch([PutOp(("many",), f"{n}", {"n": n}) for n in range(450)])

        assert {item.value["n"] for item in store.search((), filter={"n": 440})} == {440}
        assert len(store.search(("many",), filter={"n": {"$lt": 405}}, limit=500)) == 405

    @pytest.mark.parametrize(
        "bad",
        [
            {"filter": {"n": {"$regex": "."}}},
            {"filter": {"n": [{"$gt": 1, "x": 2}]}},
            {"limit": -1},
            {"offset": -1},
        ],
    )
    def test_that_cannot_be_made_says_so(self, store: ThreadHubStore, bad: dict[str, Any]) -> None:
        with pytest.raises(BadQuery):
            store.search((), **bad)

    def test_by_meaning_is_by_filter_and_says_so_once(
        self, store: ThreadHubStore, caplog: pytest.LogCaptureFixture
    ) -> None:
        store_module._say_that_search_is_by_filter.cache_clear()

        with caplog.at_level(logging.WARNING, logger="checkpoints_app.store"):
            first = store.search(("top",), query="which one?", filter={"n": 1})
            second = store.search(("top",), query="which one?", filter={"n": 1})

        assert first == second
        assert first[0].score is None
        assert len(caplog.records) == 1
        assert "no embedding" in caplog.text


def test_namespaces_are_matched_from_both_ends_cut_and_paged(store: ThreadHubStore) -> None:
    for labels in [("a", "b", "v1"), ("a", "c", "v1"), ("a", "b", "v2"), ("ab",), ("b", "v1")]:
        store.put(labels, "k", {})

    assert store.list_namespaces(prefix=("a",)) == [
        ("a", "b", "v1"),
        ("a", "b", "v2"),
        ("a", "c", "v1"),
    ]
    assert store.list_namespaces(suffix=("v1",)) == [
        ("a", "b", "v1"),
        ("a", "c", "v1"),
        ("b", "v1"),
    ]
    assert store.list_namespaces(prefix=("a", "*", "v2")) == [("a", "b", "v2")]
    assert store.list_namespaces(prefix=("a",), suffix=("*", "v1"), max_depth=2) == [
        ("a", "b"),
        ("a", "c"),
    ]
    assert store.list_namespaces(max_depth=1) == [("a",), ("ab",), ("b",)]
    assert store.list_namespaces(limit=2, offset=3) == [("ab",), ("b", "v1")]


class TestPeople:
    def test_do_not_see_each_others_items(
        self, store: ThreadHubStore, store_of: Callable[[str], ThreadHubStore]
    ) -> None:
        other = store_of("boris")
        store.put(NOTES, "a", {"of": "olga"})
        other.put(NOTES, "a", {"of": "boris"})
        other.put(("boris",), "b", {})

        other.delete(NOTES, "a")

        assert [item.value for item in store.search(())] == [{"of": "olga"}]
        assert store.list_namespaces() == [NOTES]
        assert keys(other.search(())) == ["b"]

    def test_see_their_own_rows_and_superusers_all(
        self, store: ThreadHubStore, store_of: Callable[[str], ThreadHubStore], people: Any
    ) -> None:
        store.put(NOTES, "a", {})
        store_of("boris").put(NOTES, "a", {})
        chief = people("chief", is_superuser=True)
        gone = people("gone", is_superuser=True, is_active=False)

        seen = {
            person.username: list(
                StoreItem.objects.visible_to(person, "read").values_list("namespace", flat=True)
            )
            for person in (people("olga"), people("boris"), people("nobody"), chief, gone)
        }

        assert seen == {
            "olga": [NOTES],
            "boris": [NOTES],
            "nobody": [],
            "chief": [NOTES, NOTES],
            "gone": [],
        }


class TestAFence:
    def test_lets_its_owner_write_and_refuses_whoever_lost_it(
        self, store: ThreadHubStore, key: str
    ) -> None:
        head = heads.ensure(key=key)
        first = heads.raise_fence(head_id=head.pk, held=True)
        bound = store.bound(key=key, fence=first)
        bound.put(NOTES, "a", {"n": 1})

        heads.raise_fence(head_id=head.pk, held=True)

        with pytest.raises(FenceLost):
            bound.put(NOTES, "a", {"n": 2})
        assert bound.get(NOTES, "a").value == {"n": 1}  # type: ignore[union-attr]
        heads.bury(key=key, now=clock.now())
        with pytest.raises(FenceLost, match="deleted"):
            bound.delete(NOTES, "a")
        assert store.get(NOTES, "a") is not None


@pytest.fixture
def statements(store: ThreadHubStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the statements about items and heads, as they are run."""
    seen: list[str] = []
    backend = type(store_for().backend)
    rows = backend.rows

    def noted(self: Any, wrapper: Any, sql: str, params: Any) -> Any:
        seen.append(sql)
        return rows(self, wrapper, sql, params)

    monkeypatch.setattr(backend, "rows", noted)
    return seen


def test_looking_below_a_namespace_uses_the_index(
    store: ThreadHubStore, statements: list[str]
) -> None:
    store.batch([PutOp((f"n{at}", "x"), "k", {}) for at in range(500)])
    statements.clear()
    store.search(("n77",))
    [sql] = statements
    place = [b"n77\x00", b"n77\x01", 10, 0]
    explain, now, expected = {
        "sqlite": ("EXPLAIN QUERY PLAN ", "2020-01-01", "namespace>? AND namespace<?"),
        "postgresql": ("EXPLAIN ", clock.now(), "Index Scan using store_item_place"),
    }[connection.vendor]

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE checkpoints_store_item")
        cursor.execute(explain + sql.replace("?", "%s"), [1, now, *place])
        plan = str(cursor.fetchall())

    assert expected in plan
