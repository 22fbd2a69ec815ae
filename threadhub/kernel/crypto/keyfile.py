"""The file in which an embedded installation keeps its ring."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from threadhub.kernel.errors import Unavailable

logger = logging.getLogger(__name__)


class KeyFileUnreadable(Unavailable):
    """The file of the ring cannot be read or made."""

    code = "key_file_unreadable"


def read_or_make(path: Path, *, make: Callable[[], str]) -> str:
    """Return the file's text, made on first use; of processes that meet, one makes it.

    Raises KeyFileUnreadable.
    """
    try:
        if not path.exists():
            _make(path, make())
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no text"
        raise KeyFileUnreadable(f"The key ring {path} cannot be read ({why}).") from None


def _make(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}-{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        # What is encrypted with a key that a power cut takes is lost.
        os.fsync(file.fileno())
    # A link, unlike a rename, never replaces the ring of a process that was faster.
    with contextlib.suppress(FileExistsError):
        path.hardlink_to(draft)
        logger.warning(
            "A key ring was made. Keep a copy apart from the database's: without it, what is "
            "encrypted is lost.",
            extra={"file": str(path)},
        )
    draft.unlink()
