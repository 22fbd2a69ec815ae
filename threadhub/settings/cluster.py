"""Many web and worker processes on PostgreSQL and Redis."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import env

SECRET_KEY = env.secret("SECRET_KEY") or ""
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "THREADHUB_SECRET_KEY (or THREADHUB_SECRET_KEY_FILE) must hold at least 32 characters."
    )

_database = env.postgres("DATABASE_URL")
_database["CONN_MAX_AGE"] = 0
_database["OPTIONS"] = {
    **_database["OPTIONS"],  # type: ignore[dict-item]  # a dict by construction
    "pool": {"min_size": 1, "max_size": env.integer("POOL_SIZE", 16, least=1, most=500)},
}
DATABASES = {"default": _database}

REDIS_URL = env.text("REDIS_URL", "redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}]},
    }
}
CELERY_BROKER_URL = env.text("BROKER_URL", REDIS_URL)
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 43200,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_timeout": 30,
    "socket_keepalive": True,
    "health_check_interval": 25,
    "retry_on_timeout": True,
}
SESSION_COOKIE_SECURE = env.boolean("SECURE_COOKIES", "yes")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
CSRF_TRUSTED_ORIGINS = env.words("TRUSTED_ORIGINS")
env.refuse_unknown()
