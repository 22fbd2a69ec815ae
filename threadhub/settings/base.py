"""Settings shared by every mode."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

# Read when langgraph is imported, hence before anything else.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"
# LangGraph's tracing client would otherwise look for a hosted service.
os.environ.setdefault("LANGSMITH_TRACING", "false")

from . import env  # the variables above come first

BASE_DIR = Path(__file__).resolve().parents[2]
VAR_DIR = env.folder("VAR", BASE_DIR / "var")
# Graphs that publish files put them below the same folder.
os.environ.setdefault("THREADHUB_VAR", str(VAR_DIR))

HOST = env.text("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, least=1, most=65535)
PROJECTS = env.paths("PROJECTS", [BASE_DIR / "examples" / "environment_audit" / "langgraph.json"])
DEMO_APPROVE = env.text("DEMO_APPROVE")
# Shown beside the name in the console, such as "Prod".
ENVIRONMENT = env.text("ENVIRONMENT")
CHAT_MODEL = env.text("CHAT_MODEL")

DEBUG = False
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS") or ["127.0.0.1", "localhost", "[::1]"]
ROOT_URLCONF = "threadhub.urls"
ASGI_APPLICATION = "threadhub.asgi.application"
WSGI_APPLICATION = None
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = True

INSTALLED_APPS = [
    "threadhub",
    "sessions_app",
    "threads_app",
    "checkpoints_app",
    "daphne",
    "channels",
    "threadhub.apps.ThreadHubAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "guardian",
    "auditlog",
]

MIDDLEWARE = [
    "threadhub.kernel.observability.middleware.CorrelationMiddleware",
    "threadhub.console.csp.ContentPolicyMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "threadhub.kernel.audit.middleware.ActorMiddleware",
    "threadhub.kernel.rbac.middleware.RightsMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "threadhub.console.errors.ErrorPagesMiddleware",
]

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# People
AUTH_USER_MODEL = "auth.User"
AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "threadhub.kernel.rbac.backend.GrantBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/console/login/"
LOGIN_REDIRECT_URL = "/console/"
ANONYMOUS_USER_NAME = None
# It knows its own class only, and ours is a subclass.
SILENCED_SYSTEM_CHECKS = ["guardian.W001"]

# Browser security
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_FAILURE_VIEW = "threadhub.console.errors.not_trusted"
# Behind a proxy with TLS: the addresses that forms may come from.
CSRF_TRUSTED_ORIGINS = env.words("TRUSTED_ORIGINS")
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024

# What is encrypted at rest: the ring's text, or the file in which one is kept and made.
KEYS = env.secret("KEYS") or None
KEYS_PATH: Path | None = None

# Words and time
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
# One catalogue for the whole product: a word is translated once.
LOCALE_PATHS = [BASE_DIR / "threadhub" / "locale"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# Static files are served by the process itself; the finders spare a collectstatic.
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
WHITENOISE_USE_FINDERS = True

# Audit
AUDITLOG_LOGENTRY_MODEL = "threadhub.AuditEntry"
# Its own table is swapped for ours; its migrations would leave an empty one behind.
MIGRATION_MODULES = {"auditlog": None}
AUDITLOG_CID_GETTER = "threadhub.kernel.observability.correlation.current"
AUDITLOG_MASK_CALLABLE = "threadhub.kernel.audit.masking.mask"
AUDITLOG_DISABLE_REMOTE_ADDR = True
AUDITLOG_STORE_JSON_CHANGES = True

# API
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "threadhub.kernel.api.authentication.ApiKeyAuthentication",
        "threadhub.kernel.api.authentication.BrowserAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["threadhub.kernel.api.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "threadhub.kernel.api.errors.handle",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ThreadHub",
    "DESCRIPTION": "Self-hosted server and operations console for LangGraph.",
    "VERSION": "0.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api",
    "ENUM_NAME_OVERRIDES": {
        "ThreadStatusEnum": ["idle", "busy", "interrupted", "error"],
        "UnfinishedEnum": ["pending", "running", "all"],
    },
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

# Graphs: how long a factory may build, how long the check of a project may take
BUILD_SECONDS = env.seconds("BUILD_SECONDS", 30, least=0.1, most=3600)
CHECK_SECONDS = env.seconds("CHECK_SECONDS", 60, least=1, most=3600)
CHECK_NETWORK = env.boolean("CHECK_NETWORK", "no")
CHECK_MEMORY_MB = env.integer("CHECK_MEMORY_MB", 4096, least=256, most=1_000_000)
GRAPH_CACHE_SIZE = env.integer("GRAPH_CACHE_SIZE", 100, least=1, most=10_000)

# Engine: durations in seconds
LEASE_SECONDS = env.seconds("LEASE_SECONDS", 15, least=1, most=600)
TICK_SECONDS = env.seconds("TICK_SECONDS", 1, least=0.1, most=60)
RUN_DEADLINE_SECONDS = env.seconds("RUN_DEADLINE_SECONDS", 24 * 3600, least=1, most=30 * 86400)
RUN_MAX_CRASHES = env.integer("RUN_MAX_CRASHES", 5, least=1, most=100)
STATELESS_SECONDS = env.seconds("STATELESS_SECONDS", 60, least=1, most=30 * 86400)
CONCURRENCY = env.integer("CONCURRENCY", 4, least=1, most=256)
LOOPS = env.integer("LOOPS", 2, least=1, most=32)
STOP_SECONDS = env.seconds("STOP_SECONDS", 10, least=0, most=600)

# Web server, worker and tick share one process; its wake-ups need not leave it.
ONE_PROCESS = True
# The channel layer that takes wake-ups to other processes.
WAKE_LAYER = ""

# Celery carries hints only: the database owns the runs.
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_IGNORE_RESULT = True
CELERY_RESULT_BACKEND = None
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_PUBLISH_RETRY = False
CELERY_TASK_DEFAULT_QUEUE = "maintenance"
CELERY_TASK_ROUTES = {
    "threads.execute_run": {"queue": "runs"},
    "operations.execute": {"queue": "maintenance"},
}
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_ENABLE_REMOTE_CONTROL = True
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_REMOTE_TRACEBACKS = False

LOG_LEVEL = env.choice("LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR"))
LOG_FORMAT = env.choice("LOG_FORMAT", "text", ("text", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "redact": {"()": "threadhub.kernel.observability.logging.RedactingFilter"},
        # Asking for what is not there yet is nobody's failure.
        "implemented": {
            "()": "django.utils.log.CallbackFilter",
            "callback": lambda record: getattr(record, "status_code", None) != 501,
        },
    },
    "formatters": {
        "json": {"()": "threadhub.kernel.observability.logging.JsonFormatter"},
        "text": {"()": "threadhub.kernel.observability.logging.TextFormatter"},
    },
    "handlers": {
        "stderr": {
            "class": "logging.StreamHandler",
            "formatter": LOG_FORMAT,
            "filters": ["redact"],
        },
    },
    "root": {"handlers": ["stderr"], "level": "WARNING"},
    "loggers": {
        "threadhub": {"level": LOG_LEVEL},
        "threads_app": {"level": LOG_LEVEL},
        "sessions_app": {"level": LOG_LEVEL},
        "checkpoints_app": {"level": LOG_LEVEL},
        # The admin's own handler would print request data of every 4xx.
        "django.request": {"level": "ERROR", "filters": ["implemented"]},
    },
}


def sqlite(path: Path) -> dict[str, Any]:
    """Return Django's description of a SQLite database in WAL mode that waits its turn."""
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "OPTIONS": {
            # A read transaction cannot be upgraded under WAL, so writers say so at once.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": (
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;"
            ),
        },
    }
