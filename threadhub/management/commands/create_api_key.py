"""Make an API key."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand

from threadhub.kernel import audit, clock
from threadhub.kernel.people import keys


class Command(BaseCommand):
    """manage.py create_api_key USER: prints the key, once."""

    help = "Make an API key for a person; it is shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Who, what for, how long."""
        parser.add_argument("user")
        parser.add_argument("--name", default="", help="what the key is for")
        parser.add_argument("--days", type=int, default=0, help="days until it ends; 0: never")

    def handle(self, *, user: str, name: str, days: int, **_: Any) -> None:
        """Print the key on standard output; an unknown person ends with code 2."""
        users = get_user_model()
        person = users._default_manager.filter(**{users.USERNAME_FIELD: user}).first()
        if person is None or not person.is_active:
            self.stderr.write(f"There is no active person {user!r}.")
            sys.exit(2)
        if days < 0 or days > 36500:
            self.stderr.write(f"--days {days} is not a number of days from 0 to 36500.")
            sys.exit(2)
        now = clock.now()
        expires_at = now + timedelta(days=days) if days else None
        with audit.acting_as(audit.Actor(None, "command line", None, "create_api_key")):
            text = keys.create(user=person, name=name[:100], now=now, expires_at=expires_at)
        self.stdout.write(text)
