"""Who did what: one append-only table for acts and for field changes.

`record()` writes an act's entry, `fields()`, `acts()` and `machinery_model()` declare how
each model is recorded, `recording()` and `machinery()` admit bulk writes.
"""

from __future__ import annotations

from .context import Actor, acting_as, attribute, current_actor
from .declaring import acts, declared, fields, machinery_model
from .recording import MACHINERY, machinery, record, record_all, recording

__all__ = [
    "MACHINERY",
    "Actor",
    "acting_as",
    "acts",
    "attribute",
    "current_actor",
    "declared",
    "fields",
    "machinery",
    "machinery_model",
    "record",
    "record_all",
    "recording",
]
