"""One entry of `graphs`: which file or module, which variable, and what it is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

_JAVASCRIPT = frozenset({".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx"})
MAX_NAME = 255


@dataclass(frozen=True, kw_only=True)
class GraphSpec:
    """A graph as named in the project; `problem` says why it cannot run here, if so."""

    name: str
    target: str
    description: str = ""
    problem: str | None = None
    problem_code: str = ""

    @property
    def is_runnable(self) -> bool:
        """Return whether loading is worth trying."""
        return self.problem is None

    @property
    def source(self) -> str:
        """Return the part of the target that names the file or module."""
        return self.target.rpartition(":")[0]

    @property
    def variable(self) -> str:
        """Return the part of the target that names the export."""
        return self.target.rpartition(":")[2]

    @property
    def kind(self) -> Literal["file", "module"]:
        """Return how the source is found: by path, or by Python's import."""
        is_file = "/" in self.source or "\\" in self.source or self.source.endswith(".py")
        return "file" if is_file else "module"


def read_spec(name: str, entry: object) -> GraphSpec:
    """Read one entry; what is wrong with it becomes its `problem`, never an exception."""
    target: object = entry
    description: object = ""
    if isinstance(entry, Mapping):
        target, description = entry.get("path"), entry.get("description") or ""
    if isinstance(target, str) and isinstance(description, str):
        code, problem = _check(name, target)
    else:
        shape = '"./file.py:variable" or {"path": ..., "description": ...}'
        code, problem = "bad_target", f"The entry of `{printable(name)}` must be {shape}."
    return GraphSpec(
        name=printable(name)[:MAX_NAME],
        target=printable(target) if isinstance(target, str) else "",
        description=printable(description) if isinstance(description, str) else "",
        problem=problem,
        problem_code=code,
    )


def printable(text: str) -> str:
    """Return a text that every database and terminal takes."""
    return "".join(char if char.isprintable() else " " for char in text)


def _check(name: str, target: str) -> tuple[str, str | None]:
    source, colon, variable = target.rpartition(":")
    if not name.strip() or len(name) > MAX_NAME or not name.isprintable():
        return "bad_name", f"A graph's name has 1 to {MAX_NAME} printable characters."
    if not target.isprintable():
        return "bad_target", f"The path of `{name}` has characters that cannot be printed."
    if Path(source or target).suffix in _JAVASCRIPT:
        return "javascript", f"`{target}` is a JavaScript graph: it is not runnable here."
    if not colon or not source.strip() or not variable.strip():
        return "bad_target", (
            f"`{target}` does not name a variable: write ./file.py:variable or "
            "package.module:variable."
        )
    if not variable.isidentifier():
        return "bad_target", f"`{variable}` in `{target}` is not a Python name."
    return "", None
