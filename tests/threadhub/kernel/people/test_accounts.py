"""Accounts that ThreadHub makes, and one-time sign-in links."""

from __future__ import annotations

from datetime import timedelta

import pytest

from threadhub.kernel import clock
from threadhub.kernel.people import accounts, links


@pytest.mark.django_db
class TestAccounts:
    def test_are_made_once(self) -> None:
        made, password = accounts.ensure(username="ada", is_staff=True)
        again, nothing = accounts.ensure(username="ada", is_staff=False)

        assert made == again
        assert made.check_password(password)
        assert nothing == ""
        assert again.is_staff
        assert not again.is_superuser

    def test_have_an_own_password_once_it_was_changed(self) -> None:
        ada, _ = accounts.ensure(username="ada", is_staff=True)
        assert not accounts.has_own_password(ada)
        ada.set_password("something else entirely")
        ada.save()

        assert accounts.has_own_password(ada)
        ada.set_unusable_password()
        ada.save()
        assert not accounts.has_own_password(ada)


@pytest.mark.django_db
class TestLinks:
    def test_work_once(self) -> None:
        now = clock.now()
        ada, _ = accounts.ensure(username="ada", is_staff=True)
        token, another = links.issue(user=ada, now=now), links.issue(user=ada, now=now)

        assert links.redeem(token, now=now) == ada.pk
        assert links.redeem(token, now=now) is None
        assert links.redeem(another, now=now) is None

    def test_are_not_for_people_who_are_gone(self) -> None:
        ada, _ = accounts.ensure(username="ada", is_staff=True)
        token = links.issue(user=ada, now=clock.now())
        ada.is_active = False
        ada.save()

        assert links.redeem(token, now=clock.now()) is None

    def test_end_within_the_hour(self) -> None:
        now = clock.now()
        ada, _ = accounts.ensure(username="ada", is_staff=True)
        token = links.issue(user=ada, now=now)

        assert links.redeem(token, now=now + timedelta(minutes=61)) is None

    @pytest.mark.parametrize("token", ["", "x", "\ud800", "é"])
    def test_are_not_guessed(self, token: str) -> None:
        assert links.redeem(token, now=clock.now()) is None
