"""The write and the read path of the store."""

from __future__ import annotations

from .memory import Batch, Memory, Remembered
from .reading import Reader
from .refusals import (
    BadAddress,
    BadItem,
    BadNamespace,
    BadQuery,
    FenceLost,
    InsideTransaction,
    StoreUnavailable,
)
from .store import Store, refuse_inside_transaction, reset, store_for
from .writing import Address, Writer, checked_key, metadata_of

__all__ = [
    "Address",
    "BadAddress",
    "BadItem",
    "BadNamespace",
    "BadQuery",
    "Batch",
    "FenceLost",
    "InsideTransaction",
    "Memory",
    "Reader",
    "Remembered",
    "Store",
    "StoreUnavailable",
    "Writer",
    "checked_key",
    "metadata_of",
    "refuse_inside_transaction",
    "reset",
    "store_for",
]
