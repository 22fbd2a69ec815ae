#!/usr/bin/env python
"""Entry to ThreadHub's management commands."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command named on the command line; bad settings end with code 2."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "threadhub.settings.embedded")
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"ThreadHub cannot start: {error}\n")
        sys.exit(2)


if __name__ == "__main__":
    main()
