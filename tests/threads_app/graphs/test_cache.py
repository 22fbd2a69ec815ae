"""The cache of compiled graphs."""

from __future__ import annotations

import threading

from threads_app.graphs.cache import GraphCache


def test_keeps_what_was_used_last_and_counts() -> None:
    cache: GraphCache[str] = GraphCache(lambda: 2)

    found = [cache.get(key, lambda key=key: key.upper()) for key in ("a", "b", "a", "c", "a", "b")]

    assert found == ["A", "B", "A", "C", "A", "B"]
    counts = cache.counts()
    assert (counts.hits, counts.misses, counts.builds, counts.size) == (2, 4, 4, 2)
    assert counts.build_seconds >= 0 and counts.limit == 2


def test_builds_a_key_once_however_many_ask() -> None:
    cache: GraphCache[str] = GraphCache(lambda: 2)
    together = threading.Barrier(8)
    built = []

    def build() -> str:
        built.append(threading.get_ident())
        return "graph"

    def ask() -> None:
        together.wait()
        cache.get("a", build)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(built) == 1


def test_tries_again_after_a_build_that_failed() -> None:
    cache: GraphCache[str] = GraphCache(lambda: 2)
    results = iter([LookupError("once"), "graph"])

    def build() -> str:
        result = next(results)
        if isinstance(result, Exception):
            raise result
        return result

    first = None
    try:
        cache.get("a", build)
    except LookupError as error:
        first = error

    assert str(first) == "once"
    assert cache.get("a", build) == "graph"
