"""The database knows the keys it was written with, and refuses to start with others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from threadhub.kernel import clock
from threadhub.kernel.crypto import keys
from threadhub.kernel.crypto.models import KeyCheck
from threadhub.kernel.crypto.ring import KeyMissing, KeyRing, WrongKey
from threadhub.ops import preparing

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def known(settings: Any) -> KeyRing:
    """Return the ring this database was written with."""
    made = KeyRing.new()
    settings.KEYS = made.text()
    keys.remember(now=clock.now())
    return made


def test_the_ring_it_was_written_with_is_taken(known: KeyRing) -> None:
    keys.check()
    keys.remember(now=clock.now())

    assert [row.key_id for row in KeyCheck.objects.all()] == ["k1"]


def test_another_ring_is_refused_and_nothing_is_changed(known: KeyRing, settings: Any) -> None:
    settings.KEYS = KeyRing.new().text()
    before = list(KeyCheck.objects.values())

    with pytest.raises(WrongKey, match=r"The key k1 is not the one .* THREADHUB_KEYS"):
        preparing.migrate()

    assert list(KeyCheck.objects.values()) == before


def test_a_ring_without_the_key_is_refused(known: KeyRing, settings: Any) -> None:
    settings.KEYS = KeyRing.new(key_id="k2").text()

    with pytest.raises(KeyMissing, match="The key k1 is not on the key ring"):
        keys.check()


def test_a_lost_file_is_not_replaced_by_a_new_ring(
    known: KeyRing, settings: Any, tmp_path: Path
) -> None:
    settings.KEYS = None
    settings.KEYS_PATH = tmp_path / "ring.json"

    with pytest.raises(KeyMissing, match=r"k1 is not on the key ring.*ring\.json"):
        keys.check()

    assert not settings.KEYS_PATH.exists()


def test_a_new_key_is_noted_beside_the_old_one(known: KeyRing, settings: Any) -> None:
    settings.KEYS = known.with_new_key().text()
    keys.check()
    keys.remember(now=clock.now())

    assert [row.key_id for row in KeyCheck.objects.order_by("id")] == ["k1", "k2"]
    settings.KEYS = known.text()
    with pytest.raises(KeyMissing, match="k2"):
        keys.check()


def test_an_installation_that_was_given_none_is_told_how_to_make_one(settings: Any) -> None:
    settings.KEYS = None
    settings.KEYS_PATH = None

    with pytest.raises(KeyMissing, match=r"manage\.py create_key"):
        preparing.migrate()

    assert not KeyCheck.objects.exists()
