"""What the run engine does to heads in its own transactions, and the catalogue of checkpoints."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.db import connection

from checkpoints_app import selectors
from checkpoints_app.models import Blob, Checkpoint, CheckpointHead
from checkpoints_app.saver import ThreadHubSaver
from checkpoints_app.services import heads
from threadhub.kernel import clock, transactions

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


class TestEnsure:
    def test_makes_a_head_once(self) -> None:
        first = heads.ensure(key="thread")
        again = heads.ensure(key="thread")

        assert (first.pk, first.fence, first.held) == (again.pk, 0, False)

    def test_raises_the_fence_of_a_buried_head_and_clears_it(self) -> None:
        head = heads.ensure(key="thread")
        heads.bury(key="thread", now=clock.now())

        again = heads.ensure(key="thread")

        assert (again.pk, again.tombstone, again.fence) == (head.pk, None, 2)
        assert again.gc_epoch != head.gc_epoch

    def test_does_not_bring_back_what_was_buried(
        self, saver: ThreadHubSaver, chat: Any, say: Any, config: Any, key: str
    ) -> None:
        say(chat.compile(checkpointer=saver), config, 1)
        heads.bury(key=key, now=clock.now())

        with transactions.atomic():
            heads.ensure(key=key)

        assert saver.get_tuple(config) is None
        assert (Checkpoint.objects.count(), Blob.objects.count()) == (0, 0)

    def test_is_undone_with_its_transaction(self) -> None:
        def fail() -> None:
            with transactions.atomic():
                heads.ensure(key="thread")
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fail()

        assert not CheckpointHead.objects.exists()


class TestFence:
    def test_is_raised_by_one_and_says_who_holds(self) -> None:
        head = heads.ensure(key="thread")

        raised = [heads.raise_fence(head_id=head.pk, held=held) for held in (True, False)]

        assert raised == [1, 2]
        assert CheckpointHead.objects.get().held is False

    def test_of_an_unknown_head_is_an_error(self) -> None:
        with pytest.raises(heads.HeadMissing):
            heads.raise_fence(head_id=1, held=True)

    def test_is_held_only_where_it_matches(self) -> None:
        left, right, buried = (heads.ensure(key=key) for key in ("left", "right", "buried"))
        heads.raise_fence(head_id=right.pk, held=True)
        heads.bury(key="buried", now=clock.now())

        with transactions.atomic():
            held = heads.hold(fences={left.pk: 0, right.pk: 0, buried.pk: 1, 10**9: 0})

        assert held == {left.pk}
        assert heads.hold(fences={}) == set()


class TestBury:
    def test_twice_changes_nothing_more(self) -> None:
        heads.ensure(key="thread")
        for _ in range(2):
            heads.bury(key="thread", now=clock.now())
        heads.bury(key="never was", now=clock.now())

        head = CheckpointHead.objects.get()
        assert (head.fence, head.held) == (1, False)
        assert head.tombstone is not None


class TestCatalogue:
    @pytest.fixture
    def run_id(self, saver: ThreadHubSaver, chat: Any, say: Any, config: Any) -> str:
        run_id = str(uuid.uuid4())
        say(chat.compile(checkpointer=saver), config | {"metadata": {"run_id": run_id}}, 1)
        return run_id

    def test_knows_the_run_that_wrote_a_checkpoint(self, key: str, run_id: str) -> None:
        assert heads.has_run(key=key, run_id=run_id)
        assert not heads.has_run(key=key, run_id=str(uuid.uuid4()))
        assert not heads.has_run(key="another", run_id=run_id)

    def test_sums_checkpoints_and_bytes_per_key(self, key: str, run_id: str) -> None:
        heads.ensure(key="empty")

        usage = heads.usage(keys=[key, "empty", "unknown"])

        assert usage["empty"] == usage["unknown"] == heads.Usage(0, 0)
        assert usage[key].checkpoints == 3
        assert usage[key].bytes > 500

    def test_lists_checkpoints_newest_first_without_their_state(
        self,
        saver: ThreadHubSaver,
        config: Any,
        key: str,
        run_id: str,
        django_assert_num_queries: Any,
    ) -> None:
        with django_assert_num_queries(1):
            rows = selectors.history(key=key)

        stored = list(saver.list(config))
        assert [row.checkpoint_id for row in rows] == [found.checkpoint["id"] for found in stored]
        assert [row.step for row in rows] == [1, 0, -1]
        assert {row.run_id for row in rows} == {run_id}
        assert rows[0].parent_id == rows[1].checkpoint_id
        created = [row.created.isoformat()[:19] for row in rows if row.created]
        assert created == [found.checkpoint["ts"][:19] for found in stored]
        assert all(row.bytes > 0 for row in rows)

    def test_pages_by_the_id_of_the_last_row(self, key: str, run_id: str) -> None:
        first = selectors.history(key=key, limit=2)

        rest = selectors.history(key=key, before=first[-1].checkpoint_id)

        assert [row.step for row in rest] == [-1]
        assert selectors.history(key=key, ns="other") == []

    def test_the_head_follows_the_root_namespace(self, key: str, run_id: str) -> None:
        head = CheckpointHead.objects.get(key=key)

        assert head.checkpoint_id == selectors.history(key=key)[0].checkpoint_id
        assert (head.step, head.seq) == (1, 3)


def test_tables_are_laid_out_for_their_database() -> None:
    sqlite = "SELECT count(*) FROM sqlite_master WHERE sql LIKE '%WITHOUT ROWID' AND name LIKE %s"
    postgres = (
        "SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid"
        " WHERE attstorage = 'e' AND relname LIKE %s"
    )
    expected = {"sqlite": (sqlite.replace("%W", "%%W"), 3), "postgresql": (postgres, 2)}
    sql, count = expected[connection.vendor]

    with connection.cursor() as cursor:
        cursor.execute(sql, ["checkpoints_%"])
        assert cursor.fetchone()[0] == count
