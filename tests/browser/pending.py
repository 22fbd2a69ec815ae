"""Tests that wait for pages which are not there yet: by part of the test's id, what is missing.

Emptied when the pages land; an empty table is the aim.
"""

from __future__ import annotations

PENDING: dict[str, str] = {}
