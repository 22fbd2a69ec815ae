"""API keys: shown once, kept as a digest."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.management import call_command

from threadhub.kernel import clock
from threadhub.kernel.people import keys
from threadhub.kernel.people.models import ApiKey

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def ada() -> Any:
    return get_user_model().objects.create_user("ada")


def test_a_key_is_known_and_its_text_is_not_kept(ada: Any) -> None:
    text = keys.create(user=ada, name="ci", now=clock.now())
    found = keys.check(text, now=clock.now())

    assert found is not None
    assert found.user == ada
    assert text.startswith("thub_")
    assert text not in str(list(ApiKey.objects.values()))


@pytest.mark.parametrize("text", ["", "thub_", "thub_\x00", "thub_\ud800", "thub_é", "other_text"])
def test_any_other_text_is_no_key(ada: Any, text: str) -> None:
    keys.create(user=ada, name="", now=clock.now())

    assert keys.check(text, now=clock.now()) is None


def test_the_last_use_is_noted_now_and_then(ada: Any) -> None:
    now = clock.now()
    text = keys.create(user=ada, name="", now=now)

    keys.check(text, now=now)
    keys.check(text, now=now + timedelta(minutes=1))
    assert ApiKey.objects.get().last_used_at == now
    keys.check(text, now=now + timedelta(minutes=6))
    assert ApiKey.objects.get().last_used_at == now + timedelta(minutes=6)


class TestTheCommand:
    def test_prints_a_key_that_works(self, ada: Any) -> None:
        output = StringIO()
        call_command("create_api_key", "ada", name="ci", days=1, stdout=output)
        found = keys.check(output.getvalue().strip(), now=clock.now())

        assert found is not None
        assert (found.user, found.name) == (ada, "ci")
        assert found.expires_at is not None

    @pytest.mark.parametrize(("user", "days"), [("nobody", 0), ("ada", -1), ("ada", 40_000)])
    def test_ends_with_code_2_and_a_sentence(self, ada: Any, user: str, days: int) -> None:
        errors = StringIO()
        with pytest.raises(SystemExit) as caught:
            call_command("create_api_key", user, days=days, stderr=errors)

        assert caught.value.code == 2
        assert errors.getvalue().strip()
        assert not ApiKey.objects.exists()

    def test_makes_none_for_somebody_inactive(self, ada: Any) -> None:
        ada.is_active = False
        ada.save()

        with pytest.raises(SystemExit):
            call_command("create_api_key", "ada", stderr=StringIO())
