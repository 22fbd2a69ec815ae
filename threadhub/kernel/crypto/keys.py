"""Whether the ring at hand is the one this database was written with."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, connection

from threadhub.kernel import transactions

from . import ring
from .models import KeyCheck
from .ring import KeyMissing, KeyRing, RingInvalid, WrongKey

__all__ = ["KeyMissing", "RingInvalid", "WrongKey", "check", "remember"]

KNOWN = b"ThreadHub"


def check() -> None:
    """Refuse a ring that cannot open what this database holds; before anything is changed.

    Raises KeyMissing, WrongKey, RingInvalid, KeyFileUnreadable. Writes nothing but a ring for
    an installation that has neither a ring nor anything that is encrypted.
    """
    known = _known()
    if known and not ring.is_given():
        # A new ring would hide what was lost.
        raise KeyMissing(ring.missing(known[0].key_id))
    at_hand = ring.current()
    for row in known:
        _open(at_hand, row)


def remember(*, now: datetime) -> None:
    """Note the keys of the ring that this database does not know yet."""
    at_hand = ring.current()
    known = {row.key_id for row in KeyCheck.objects.all()}
    for key_id in at_hand:
        if key_id not in known:
            _note(at_hand, key_id, now)


def _known() -> list[KeyCheck]:
    if KeyCheck._meta.db_table not in connection.introspection.table_names():
        # The first start of an installation, or of one from before there were keys.
        return []
    return list(KeyCheck.objects.order_by("id"))


def _open(at_hand: KeyRing, row: KeyCheck) -> None:
    if row.key_id not in at_hand:
        raise KeyMissing(ring.missing(row.key_id))
    try:
        at_hand.decrypt(bytes(row.token), context=_context(row.key_id))
    except WrongKey:
        raise WrongKey(
            f"The key {row.key_id} is not the one this database was written with. "
            f"Give the ring that was in use: {ring.where()}."
        ) from None


def _note(at_hand: KeyRing, key_id: str, now: datetime) -> None:
    token = at_hand.encrypt(KNOWN, context=_context(key_id), key_id=key_id)
    try:
        with transactions.atomic():
            KeyCheck.objects.create(key_id=key_id, token=token, created_at=now)
    except IntegrityError:
        # Another process noted it first; it must have meant the same key.
        _open(at_hand, KeyCheck.objects.filter(key_id=key_id)[0])


def _context(key_id: str) -> bytes:
    return f"threadhub_key_check.token:{key_id}".encode()
