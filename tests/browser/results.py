"""The table of the long form, for benchmarks/results/."""

from __future__ import annotations

import os
import platform
import time
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parents[2] / "benchmarks" / "results" / "browser.md"
IS_LONG = "BROWSER_ROUNDS" in os.environ
now = time.monotonic


class LongForm:
    """What the rounds of a run did; the short form notes it too and writes nothing."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._noted: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)

    def note(self, what: str, **figures: Any) -> None:
        """Keep the figures of a round that held."""
        self._noted[what].append(figures)

    def or_short(self, long: int, short: int) -> int:
        """Return how often something is done in this form."""
        return long if IS_LONG else short

    def share_below(self, what: str, **bar: float) -> float:
        """Return the share of rounds below a bar; the short form has no bar of time."""
        ((name, most),) = bar.items()
        rounds = [figures[name] for figures in self._noted[what]]
        return sum(value < most for value in rounds) / len(rounds) if IS_LONG else 1.0

    def write(self) -> None:
        """Write the table, in the long form only."""
        if not IS_LONG or not self._noted:
            return
        storms, changes = self._noted["disconnects"], self._noted["second viewer"]
        took = sorted(figures["seconds"] for figures in changes)
        lines = [
            "# Watching in a browser",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {platform.machine()}, {os.cpu_count()} cores, Python "
            f"{platform.python_version()}, seed {self._seed}. Again: `make chaos-browser`.",
            "",
            "| what | rounds | held | figures |",
            "|---|---|---|---|",
            f"| two browsers, wires cut at random, the server killed once a round: the last view "
            f"equals a fresh page and the database | {os.environ['BROWSER_ROUNDS']} | "
            f"{len(storms)} | {_total(storms, 'cuts')} cuts, {_total(storms, 'kills')} kills |",
        ]
        if took:
            lines.append(
                "| two browsers both show a step after its gate opened | "
                f"{len(took)} | {sum(one < 1 for one in took)} below 1 s | p50 "
                f"{_quantile(took, 0.5)}, p95 {_quantile(took, 0.95)}, most {took[-1]:.2f} s |"
            )
        RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _total(rounds: list[dict[str, Any]], name: str) -> int:
    return sum(figures[name] for figures in rounds)


def _quantile(values: list[float], part: float) -> str:
    return f"{values[min(int(len(values) * part), len(values) - 1)]:.2f} s"
