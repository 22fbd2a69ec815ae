"""Tests that wait for pages which are not there yet: by part of the test's id, what is missing.

Emptied when the pages land; an empty table is the aim.
"""

from __future__ import annotations

PENDING: dict[str, str] = {
    "test_a_page_passes_every_gate": "The shell, the policy and the words of all pages.",
    "test_after_cuts_and_a_kill": "The live protocol and the tab Live.",
    "test_a_second_viewer": "The live protocol and the tab Live.",
    "test_one_signs_in": "The sign-in page.",
    "test_one_finds_a_thread": "The lists' search.",
    "test_a_filter_is_added": "The lists' filters.",
    "test_a_question_is_claimed": "The card of a question.",
    "test_the_demo_is_answered": "The overview's questions.",
    "test_a_run_is_started": "The head's actions.",
    "test_a_fork_is_made": "The tab Checkpoints.",
    "test_a_grant_is_given": "The tab Access.",
    "test_the_focus_stays": "The live protocol and the tab Live.",
}
