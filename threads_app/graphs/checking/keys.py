"""One word for everything that decides whether a graph loads; equal word, equal result."""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings

from threads_app.graphs.revision import code_revision

if TYPE_CHECKING:
    from threads_app.graphs.project import Project

_PACKAGE_FOLDERS = ("site-packages", "dist-packages")


def key_of(project: Project) -> str:
    """Hash the project's code and variables, the installed packages and the check's settings."""
    parts = [
        code_revision(project),
        sys.version,
        sorted(project.env.items()),
        _packages(),
        settings.CHECK_NETWORK,
        settings.CHECK_MEMORY_MB,
        settings.CHECK_SECONDS,
    ]
    return hashlib.blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()


def _packages() -> list[list[object]]:
    """Return when something was last installed: installing changes the folder's time."""
    folders = [Path(entry) for entry in sys.path if entry.rpartition("/")[2] in _PACKAGE_FOLDERS]
    return [[str(folder), folder.stat().st_mtime_ns] for folder in folders if folder.is_dir()]
