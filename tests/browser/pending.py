"""Tests that wait for pages which are not there yet: by part of the test's id, what is missing.

Emptied when the pages land; an empty table is the aim.
"""

from __future__ import annotations

PENDING: dict[str, str] = {
    "test_a_question_is_claimed": "A head that is older than the first snapshot stays old.",
    "test_the_focus_stays": "Nodes of the graph have no ids, so a refresh loses the focus.",
}
