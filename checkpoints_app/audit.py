"""How the tables of the store are recorded: by the runs and acts that wrote them."""

from __future__ import annotations

from checkpoints_app.models import (
    Blob,
    Checkpoint,
    CheckpointHead,
    LogItem,
    Scope,
    StoreItem,
    Write,
)
from threadhub.kernel.audit.declaring import acts, machinery_model

machinery_model(CheckpointHead, why="Follows from runs and deletions, which are recorded.")
machinery_model(Scope, why="A namespace that a run opened.")
machinery_model(Checkpoint, why="The state itself; the run that wrote it is recorded.")
machinery_model(Blob, why="A value that checkpoints refer to.")
machinery_model(LogItem, why="A part of a value that checkpoints refer to.")
machinery_model(Write, why="What a task of a run wrote.")
acts(StoreItem, why="People's changes are acts; those of a graph follow from its run.")
