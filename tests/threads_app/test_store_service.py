"""Changes of a memory by its owner are acts."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model

from checkpoints_app import storage
from checkpoints_app.models import StoreItem
from checkpoints_app.store import ThreadHubStore
from threadhub.kernel import clock
from threadhub.kernel.audit.models import AuditEntry
from threads_app.services import store

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

PLACE: dict[str, Any] = {"namespace": ("olga", "\ud800 notes"), "key": "a\x00"}


@pytest.fixture
def person() -> Any:
    yield get_user_model().objects.create_user("olga")
    storage.reset()


def put(person: Any, value: dict[str, Any]) -> None:
    store.put(actor=person, **PLACE, value=value, ttl=None, now=clock.now())


def acts() -> list[tuple[str, str, Any]]:
    entries = AuditEntry.objects.filter(model_label="storeitem").order_by("id")
    return list(entries.values_list("act", "object_pk", "additional_data"))


def test_each_leaves_an_entry_without_the_value(person: Any) -> None:
    put(person, {"secret": "canary"})
    item = StoreItem.objects.get()
    store.delete(actor=person, **PLACE, now=clock.now())
    store.delete(actor=person, **PLACE, now=clock.now())

    place = {"namespace": ["olga", "\ufffd notes"], "key": "a\ufffd"}
    assert acts() == [
        ("store.put", str(item.pk), place),
        ("store.delete", str(item.pk), place),
    ]
    assert not StoreItem.objects.exists()


def test_one_that_fails_leaves_nothing(person: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Any) -> None:
        raise RuntimeError("the audit is full")

    monkeypatch.setattr("threadhub.kernel.audit.record_all", fail)

    with pytest.raises(RuntimeError):
        put(person, {})

    assert not StoreItem.objects.exists()


def test_programs_and_graphs_share_a_memory(person: Any) -> None:
    put(person, {"n": 1})

    graphs = ThreadHubStore().for_actor(person.pk)
    found = graphs.get(**PLACE)
    graphs.put(PLACE["namespace"], "b", {"n": 2})

    assert found is not None and found.value == {"n": 1}
    assert store.get(actor=person, **PLACE, refresh=None) is not None
    values = store.search(
        actor=person, prefix=("olga",), wanted=None, limit=10, offset=0, refresh=None
    )
    assert [item.value for item in values] == [{"n": 2}, {"n": 1}]
