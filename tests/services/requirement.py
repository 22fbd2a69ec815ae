"""Skip by name what this machine lacks; with REQUIRE_ALL=1 lacking it is a failure."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def is_strict() -> bool:
    """Say whether nothing may be skipped for want of a service."""
    return os.environ.get("REQUIRE_ALL", "") not in {"", "0"}


def lacking(reason: str) -> NoReturn:
    """End the test: skipped with the reason, or failed when everything is required."""
    if is_strict():
        pytest.fail(f"REQUIRE_ALL=1: {reason}", pytrace=False)
    pytest.skip(reason)
