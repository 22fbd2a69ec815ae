"""Compiled graphs kept in memory: at most so many, each built by one thread at a time."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How a cache was used since the process started."""

    hits: int
    misses: int
    builds: int
    build_seconds: float
    size: int
    limit: int


class GraphCache(Generic[ValueT]):
    """The values used most recently, by key; safe for threads."""

    def __init__(self, limit: Callable[[], int]) -> None:
        self._limit = limit
        self._kept: OrderedDict[Hashable, ValueT] = OrderedDict()
        # Never forgotten: there are only as many as graphs were ever asked for.
        self._building: dict[Hashable, threading.RLock] = {}
        self._guard = threading.Lock()
        self._hits = self._misses = self._builds = 0
        self._seconds = 0.0

    def get(self, key: Hashable, build: Callable[[], ValueT]) -> ValueT:
        """Return the value of a key, built by the first who asks while others wait."""
        with self._guard:
            if key in self._kept:
                return self._hit(key)
            self._misses += 1
            turn = self._building.setdefault(key, threading.RLock())
        with turn:
            return self._built(key, build)

    def counts(self) -> Counts:
        """Return hits, misses, builds and their seconds."""
        with self._guard:
            return Counts(
                hits=self._hits,
                misses=self._misses,
                builds=self._builds,
                build_seconds=round(self._seconds, 3),
                size=len(self._kept),
                limit=self._limit(),
            )

    def clear(self) -> None:
        """Forget every value; the counters go on."""
        with self._guard:
            self._kept.clear()

    def _hit(self, key: Hashable) -> ValueT:
        self._hits += 1
        self._kept.move_to_end(key)
        return self._kept[key]

    def _built(self, key: Hashable, build: Callable[[], ValueT]) -> ValueT:
        with self._guard:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        started = time.perf_counter()
        value = build()
        with self._guard:
            self._builds += 1
            self._seconds += time.perf_counter() - started
            self._kept[key] = value
            while len(self._kept) > self._limit():
                self._kept.popitem(last=False)
        return value
