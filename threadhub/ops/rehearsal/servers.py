"""A private PostgreSQL and a private Redis for one rehearsal."""

from __future__ import annotations

import secrets
from pathlib import Path

from threadhub.kernel.crypto.ring import KeyRing
from threadhub.kernel.errors import Invalid

from . import binaries, postgres_server, redis_server

PACKAGES = {"postgresql": binaries.postgres, "redis-server": binaries.redis}


class ServersMissing(Invalid):
    """This machine lacks what a rehearsal needs; the message says what to install."""

    code = "servers_missing"


def start(*, var: Path) -> dict[str, str]:
    """Start both and return the environment of a cluster on them. Raises ServersMissing.

    They end with this process, or with the program that replaces it, and leave nothing.
    """
    missing = [package for package, find in PACKAGES.items() if find() is None]
    if missing:
        packages = " ".join(missing)
        raise ServersMissing(f"Not installed: {packages}. Run: apt install {packages}")
    if reason := postgres_server.why_unavailable():
        raise ServersMissing(f"{reason}.")
    postgres, redis = postgres_server.PostgresServer(), redis_server.RedisServer()
    postgres.create("threadhub")
    postgres.keep_over_exec()
    redis.keep_over_exec()
    return {
        "DJANGO_SETTINGS_MODULE": "threadhub.settings.cluster",
        "THREADHUB_DATABASE_URL": postgres.url,
        "THREADHUB_REDIS_URL": redis.url,
        "THREADHUB_KEYS": KeyRing.new().text(),
        "THREADHUB_SECRET_KEY": secrets.token_urlsafe(50),
        "THREADHUB_SECURE_COOKIES": "no",
        "THREADHUB_VAR": str(var),
    }
