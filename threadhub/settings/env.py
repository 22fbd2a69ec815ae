"""Typed readers of environment variables; a malformed value refuses to start."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

PREFIX = "THREADHUB_"
_known: set[str] = set()


def _raw(name: str) -> str | None:
    _known.add(PREFIX + name)
    return os.environ.get(PREFIX + name) or None


def _refuse(name: str, wanted: str) -> ImproperlyConfigured:
    value = os.environ.get(PREFIX + name, "")
    return ImproperlyConfigured(f"{PREFIX}{name}={value!r} is not {wanted}. Correct or unset it.")


def text(name: str, default: str = "") -> str:
    """Return the value as it stands."""
    return _raw(name) or default


def boolean(name: str, default: str = "no") -> bool:
    """Return a yes/no value (`yes no true false on off 1 0`)."""
    value = (_raw(name) or default).lower()
    if value in {"1", "yes", "true", "on"}:
        return True
    if value in {"0", "no", "false", "off"}:
        return False
    raise _refuse(name, "yes or no")


def integer(name: str, default: int, *, least: int, most: int) -> int:
    """Return a whole number between `least` and `most`."""
    value = _raw(name)
    if value is None:
        return default
    if not value.isascii() or not value.isdigit() or not least <= int(value) <= most:
        raise _refuse(name, f"a whole number from {least} to {most}")
    return int(value)


def seconds(name: str, default: float, *, least: float, most: float) -> float:
    """Return a duration in seconds between `least` and `most`."""
    value = _raw(name)
    if value is None:
        return default
    try:
        number = float(value)
    except ValueError:
        raise _refuse(name, "a number of seconds") from None
    if not least <= number <= most:
        raise _refuse(name, f"a number of seconds from {least} to {most}")
    return number


def words(name: str) -> list[str]:
    """Return a comma-separated list."""
    return [word.strip() for word in (_raw(name) or "").split(",") if word.strip()]


def folder(name: str, default: Path) -> Path:
    """Return an absolute folder path; it need not exist."""
    return Path(_raw(name) or default).expanduser().absolute()


def paths(name: str, default: list[Path]) -> list[Path]:
    """Return absolute paths separated by the system's path separator."""
    value = _raw(name)
    if value is None:
        return default
    return [Path(part).expanduser().absolute() for part in value.split(os.pathsep) if part.strip()]


def choice(name: str, default: str, allowed: tuple[str, ...]) -> str:
    """Return one of the allowed words."""
    value = _raw(name) or default
    if value not in allowed:
        raise _refuse(name, "one of " + ", ".join(allowed))
    return value


def secret(name: str) -> str | None:
    """Return a secret from the variable, or from the file that NAME_FILE points to."""
    path = _raw(name + "_FILE")
    if path is None:
        return _raw(name)
    try:
        found = Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ImproperlyConfigured(
            f"{PREFIX}{name}_FILE: {path} cannot be read ({error.strerror})."
        ) from None
    if not found:
        # Taken for "not given", a file that was emptied by mistake would be made anew.
        raise ImproperlyConfigured(f"{PREFIX}{name}_FILE: {path} is empty.")
    return found


def postgres(name: str) -> dict[str, object]:
    """Return Django's description of the database `postgresql://user:password@host:port/name`."""
    value = _raw(name)
    if value is None:
        raise ImproperlyConfigured(f"{PREFIX}{name} is not set. Give postgresql://user@host/name.")
    parts = urlsplit(value)
    query = dict(parse_qsl(parts.query))
    is_postgres = parts.scheme in {"postgres", "postgresql"}
    if not is_postgres or len(parts.path) < 2 or not _has_port(parts):
        # The value may hold a password, so it is not repeated.
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is not of the form postgresql://user@host:port/name."
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path[1:]),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": query.pop("host", None) or parts.hostname or "",
        "PORT": str(parts.port or ""),
        "OPTIONS": query,
    }


def redis(name: str, default: str) -> str:
    """Return the address of a Redis: `redis://host:port/0`, `rediss://...`, `unix:///path`."""
    value = _raw(name) or default
    parts = urlsplit(value)
    place = parts.path if parts.scheme == "unix" else parts.hostname
    if parts.scheme not in {"redis", "rediss", "unix"} or not place or not _has_port(parts):
        # The value may hold a password, so it is not repeated.
        raise ImproperlyConfigured(
            f"{PREFIX}{name} is not of the form redis://user:password@host:port/0."
        )
    return value


def _has_port(parts: SplitResult) -> bool:
    """Say whether the port is a number, or left out."""
    try:
        return parts.port is None or parts.port > 0
    except ValueError:
        return False


def refuse_unknown() -> None:
    """Refuse a variable with our prefix that no setting reads: it is a spelling mistake."""
    unknown = sorted(name for name in os.environ if name.startswith(PREFIX) and name not in _known)
    if unknown:
        raise ImproperlyConfigured(f"Unknown setting {unknown[0]}. Correct its name or unset it.")
