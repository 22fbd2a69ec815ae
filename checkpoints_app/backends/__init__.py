"""The statements of the store, one module per database."""

from __future__ import annotations

from importlib import import_module

from .base import Backend
from .rows import Accepted, Collision, Guard, Put, PutWrites, Query, Record

__all__ = [
    "Accepted",
    "Backend",
    "Collision",
    "Guard",
    "Put",
    "PutWrites",
    "Query",
    "Record",
    "backend_for",
]


def backend_for(vendor: str) -> Backend:
    """Return the statements for a database vendor; its driver is imported only then."""
    if vendor == "postgresql":
        backend: Backend = import_module("checkpoints_app.backends.postgres").PostgresBackend()
    elif vendor == "sqlite":
        backend = import_module("checkpoints_app.backends.sqlite").SqliteBackend()
    else:
        raise ValueError(f"Checkpoints are stored in PostgreSQL or SQLite, not in {vendor}.")
    return backend
