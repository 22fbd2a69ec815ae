"""How rights flow from a session to its threads; the floor that knows both says so."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Protocol


class Resolver(Protocol):
    """Knows which threads are active members of which sessions."""

    def parents(self, thread_ids: Collection[int]) -> Iterable[tuple[int, int, int | None]]:
        """Return (thread, session, owner of the session) of every active membership.

        The owner is None where the thread is theirs anyway.
        """

    def children(self, session_ids: Collection[int]) -> Iterable[int]:
        """Return the threads that are active members of any of the sessions."""


_registered: list[Resolver] = []


def register(resolver: Resolver) -> None:
    """Let rights flow as the resolver says; called once, while ThreadHub starts."""
    _registered[:] = [resolver]


def parents(thread_ids: Collection[int]) -> list[tuple[int, int, int | None]]:
    """Return what the resolver knows of these threads; see Resolver."""
    return [found for resolver in _registered for found in resolver.parents(thread_ids)]


def children(session_ids: Collection[int]) -> set[int]:
    """Return the threads that are active members of any of the sessions."""
    return {found for resolver in _registered for found in resolver.children(session_ids)}
