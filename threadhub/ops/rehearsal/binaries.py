"""Where the servers and the browser are installed, on the PATH or off it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path


def postgres() -> Path | None:
    """Return the folder with `initdb` and `postgres`; Debian keeps it in a versioned place."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if _complete(path)]
    if versions:
        return max(versions, key=lambda path: float(path.parent.name))
    initdb = shutil.which("initdb")
    folder = Path(initdb).resolve().parent if initdb else None
    return folder if folder and _complete(folder) else None


def redis() -> Path | None:
    """Return the Redis server."""
    return _program("redis-server")


def chromium() -> Path | None:
    """Return the browser, by the names distributions give it."""
    return _program("chromium", "chromium-browser", "google-chrome")


def chinese_font() -> Path | None:
    """Return a font that browsers show Chinese in; chromium brings the program that knows."""
    asked = [shutil.which("fc-list") or "/usr/bin/fc-list", ":lang=zh-cn", "file"]
    try:
        found = subprocess.run(asked, capture_output=True, text=True, check=False).stdout
    except OSError:
        return None
    return Path(found.split(":")[0]) if found else None


def _complete(folder: Path) -> bool:
    return (folder / "initdb").is_file() and (folder / "postgres").is_file()


def _program(*names: str) -> Path | None:
    # A normal user's PATH may lack the sbin folders.
    found = (shutil.which(name) or shutil.which(name, path="/usr/bin:/usr/sbin") for name in names)
    return next((Path(path) for path in found if path), None)
