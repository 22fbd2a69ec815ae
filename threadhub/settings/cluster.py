"""Many web and worker processes on PostgreSQL and Redis."""

from __future__ import annotations

from django.core.exceptions import ImproperlyConfigured

from .base import *  # noqa: F403
from .base import LOGGING, env

ONE_PROCESS = False

SECRET_KEY = env.secret("SECRET_KEY") or ""
if len(SECRET_KEY) < 32:
    raise ImproperlyConfigured(
        "THREADHUB_SECRET_KEY (or THREADHUB_SECRET_KEY_FILE) must hold at least 32 characters."
    )

_database = env.postgres("DATABASE_URL")
_database["ENGINE"] = "threadhub.kernel.postgres"
# Connections live in the pool.
_database["CONN_MAX_AGE"] = 0
_database["OPTIONS"] = {
    "connect_timeout": 5,
    **_database["OPTIONS"],  # type: ignore[dict-item]  # a dict by construction
    "pool": {
        "min_size": 1,
        "max_size": env.integer("POOL_SIZE", 16, least=4, most=500),
        # A request that gets no connection in this time is answered 503.
        "timeout": 10,
        # Attempts to reconnect come ever more rarely; given up, the next request begins anew.
        "reconnect_timeout": 5,
    },
}
DATABASES = {"default": _database}

REDIS_URL = env.redis("REDIS_URL", "redis://127.0.0.1:6379/0")
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py's own limits would end a quiet subscription, and refuse the 101st connection.
        "CONFIG": {
            "hosts": [{"address": REDIS_URL, "socket_timeout": None, "max_connections": 1000}]
        },
    }
}
WAKE_LAYER = "default"
# The layer writes a traceback for each second without Redis; who uses it says so once.
LOGGING["loggers"]["channels_redis.pubsub"] = {"level": "CRITICAL"}  # type: ignore[index]

# Celery spells a socket's path in its own way.
CELERY_BROKER_URL = env.text("BROKER_URL", REDIS_URL.replace("unix://", "redis+socket://", 1))
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_WORKER_DISABLE_PREFETCH = True
CELERY_WORKER_ETA_TASK_LIMIT = 100
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 43200,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "socket_keepalive": True,
    "health_check_interval": 25,
    # A request that tells a worker of its run waits no longer than this for the broker, and
    # asks once: the row is what counts. A worker's own reconnecting has no end.
    "socket_timeout": 5,
    "socket_connect_timeout": 2,
    "max_retries": 0,
}
SESSION_COOKIE_SECURE = env.boolean("SECURE_COOKIES", "yes")
CSRF_COOKIE_SECURE = SESSION_COOKIE_SECURE
env.refuse_unknown()
