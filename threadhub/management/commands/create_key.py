"""Make a key for the key ring."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from threadhub.kernel.crypto import ring
from threadhub.kernel.crypto.ring import KeyRing
from threadhub.kernel.errors import ThreadHubError


class Command(BaseCommand):
    """manage.py create_key: the installation's ring with a new key, or a first ring."""

    help = "Print a key ring with a new key; the one in use is not changed."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Where the ring goes."""
        parser.add_argument("--file", help="a new file, for this user alone; else it is printed")

    def handle(self, *, file: str | None, **_: Any) -> None:
        """Write the ring; one that cannot be read, or a file that is there, ends with code 2."""
        try:
            made = ring.current().with_new_key() if ring.is_given() else KeyRing.new()
            if file is None:
                self.stdout.write(made.text())
            else:
                _write(file, made.text())
        except ThreadHubError as error:
            self.stderr.write(error.message)
            sys.exit(2)
        except OSError as error:
            self.stderr.write(f"{file} cannot be made ({error.strerror}).")
            sys.exit(2)


def _write(file: str, text: str) -> None:
    # A file that is there may be the ring in use, hence never replaced.
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as opened:
        opened.write(text + "\n")
