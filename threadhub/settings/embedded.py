"""One process on SQLite: web server and worker together, everything under `var/`."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import VAR_DIR, env, sqlite


def _prepare(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = folder / f".probe-{os.getpid()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{folder} is not writable ({error.strerror}). "
            "Give it to this user, or set THREADHUB_VAR to a folder that is."
        ) from None


def _own_secret(path: Path) -> str:
    """Return the secret kept at `path`, made on first use; the first process to link it wins."""
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_name(f"{path.name}-{os.getpid()}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(50), encoding="ascii")
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(draft)
        draft.unlink()
    return path.read_text(encoding="ascii")


_prepare(VAR_DIR)
SECRET_KEY = env.secret("SECRET_KEY") or _own_secret(VAR_DIR / "keys" / "django")
KEYS_PATH = VAR_DIR / "keys" / "ring.json"
DATABASES = {"default": sqlite(VAR_DIR / "threadhub.sqlite3")}
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CELERY_BROKER_URL = "memory://localhost/"
# The transport's own default of one second would be the delay of every run.
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.01}
env.refuse_unknown()
