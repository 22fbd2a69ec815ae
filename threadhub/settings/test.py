"""The test suite: a SQLite file, or PostgreSQL with THREADHUB_TEST_DATABASE=postgres."""

from __future__ import annotations

import tempfile
from pathlib import Path

from . import base
from .base import *  # noqa: F403
from .base import env, sqlite

SECRET_KEY = "only-for-tests-" + "x" * 40
KEYS = '{"active":"k1","keys":{"k1":"b25seS1mb3ItdGVzdHMtb25seS1mb3ItdGVzdHMtb28="}}'
VAR_DIR = env.folder("VAR", Path(tempfile.gettempdir()) / "threadhub-tests")
VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)

if env.choice("TEST_DATABASE", "sqlite", ("sqlite", "postgres")) == "postgres":
    DATABASES = {"default": env.postgres("DATABASE_URL")}
else:
    _database = sqlite(VAR_DIR / "never-used.sqlite3")
    # In-memory databases are one connection's own; the saver needs a file.
    _database["TEST"] = {"NAME": str(VAR_DIR / "test.sqlite3")}
    DATABASES = {"default": _database}

CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
CELERY_BROKER_URL = "memory://localhost/"
CELERY_BROKER_TRANSPORT_OPTIONS = {"polling_interval": 0.01}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LEASE_SECONDS = 2.0
TICK_SECONDS = 0.2
STATICFILES_DIRS = base.STATICFILES_DIRS
