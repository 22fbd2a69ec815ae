"""One word for the state of a project's source, cheap enough to ask on every page view."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

from threads_app.graphs import folders

if TYPE_CHECKING:
    from pathlib import Path

    from threads_app.graphs.project import Project

_SUFFIXES = (".py", ".json", ".toml")
_MAX_BYTES = 2_000_000

_digests: dict[Path, tuple[int, int, bytes]] = {}
_lock = threading.Lock()


def code_revision(project: Project) -> str:
    """Return a hash over the project's own source files; equal source, equal word."""
    total = hashlib.blake2b(digest_size=10)
    files = dict.fromkeys([project.path, *folders.source_files(project, suffixes=_SUFFIXES)])
    for file in files:
        digest = _digest(file)
        if digest:
            total.update(_label(project, file).encode("utf-8", "surrogateescape"))
            total.update(digest)
    return total.hexdigest()


def _label(project: Project, file: Path) -> str:
    # Moving the whole project changes nothing that was loaded from it.
    for index, folder in enumerate(project.folders):
        if file.is_relative_to(folder):
            return f"{index}:{file.relative_to(folder).as_posix()}\0"
    return f"{file}\0"


def _digest(file: Path) -> bytes:
    """Return the hash of one file, read again only when its time or size changed."""
    try:
        status = file.stat()
    except OSError:
        return b""
    stamp = (status.st_mtime_ns, status.st_size)
    known = _digests.get(file)
    if known and known[:2] == stamp:
        return known[2]
    digest = _hash(file, size=status.st_size)
    with _lock:
        if len(_digests) > folders.MAX_FILES * 4:
            _digests.clear()
        _digests[file] = (*stamp, digest)
    return digest


def _hash(file: Path, *, size: int) -> bytes:
    # A file too large to be source still counts by its size.
    if size > _MAX_BYTES:
        return size.to_bytes(8, "big")
    try:
        return hashlib.blake2b(file.read_bytes(), digest_size=16).digest()
    except OSError:
        return b""
