"""The tables of the checkpoint store."""

from __future__ import annotations

from .blob import Blob
from .checkpoint import Checkpoint
from .head import CheckpointHead
from .log import LogItem
from .scope import Scope
from .store_item import StoreItem
from .write import Write

__all__ = ["Blob", "Checkpoint", "CheckpointHead", "LogItem", "Scope", "StoreItem", "Write"]
