"""A read that got more expensive is said in the change log."""

from __future__ import annotations

import json
import subprocess

from architecture.source_tree import ROOT
from services import query_counts


def committed_before() -> dict[str, int]:
    """The numbers of the last commit; none outside a checkout."""
    command = ["git", "show", "HEAD:tests/query_counts.json"]
    try:
        shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return {}
    return json.loads(shown.stdout) if shown.returncode == 0 else {}


def test_a_number_that_grows_is_named_in_the_change_log() -> None:
    before = committed_before()
    change_log = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    grown = [
        name
        for name, count in query_counts.committed().items()
        if count > before.get(name, count) and name not in change_log
    ]

    assert grown == []
