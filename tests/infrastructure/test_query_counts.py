"""The committed numbers of queries: equal passes, anything else says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model

from services import query_counts as counting


@pytest.fixture
def baseline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A baseline of the test's own."""
    path = tmp_path / "query_counts.json"
    monkeypatch.setattr(counting, "BASELINE", path)
    monkeypatch.setattr(counting, "_counted", {})
    monkeypatch.delenv(counting.WRITE, raising=False)
    return path


def read_people(times: int) -> None:
    for _ in range(times):
        list(get_user_model().objects.all())


@pytest.mark.django_db
def test_an_unknown_name_says_how_to_write_it(baseline: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="make query-baseline"), counting.counted("new"):
        read_people(1)


@pytest.mark.django_db
def test_the_written_number_is_the_one_that_passes(
    baseline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(counting.WRITE, "1")
    with counting.counted("people"):
        read_people(2)
    counting.write()
    monkeypatch.delenv(counting.WRITE)

    assert json.loads(baseline.read_text()) == {"people": 2}
    with counting.counted("people"):
        read_people(2)
    with pytest.raises(pytest.fail.Exception, match="3 queries, 2 committed"):  # noqa: SIM117
        with counting.counted("people"):
            read_people(3)
