"""Make a key for the key ring."""

from __future__ import annotations

import sys
from typing import Any

from django.core.management.base import BaseCommand

from threadhub.kernel.crypto import ring
from threadhub.kernel.crypto.ring import KeyRing
from threadhub.kernel.errors import ThreadHubError


class Command(BaseCommand):
    """manage.py create_key: prints the installation's ring with a new key, or a first ring."""

    help = "Print a key ring with a new key, for THREADHUB_KEYS_FILE; nothing is changed."
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        """Print the ring on standard output; one that cannot be read ends with code 2."""
        try:
            made = ring.current().with_new_key() if ring.is_given() else KeyRing.new()
        except ThreadHubError as error:
            self.stderr.write(error.message)
            sys.exit(2)
        self.stdout.write(made.text())
