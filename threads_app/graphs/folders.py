"""The folders of a project: what goes on `sys.path`, and which names they offer."""

from __future__ import annotations

import ast
import os
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from threads_app.graphs.project import Project

# A project rooted in somebody's home folder must not make a page slow.
MAX_FILES = 5_000
_MAX_FOLDERS = 2_000
_SKIPPED = frozenset({"__pycache__", "build", "dist", "node_modules", "site-packages", "var"})
_NEVER_IMPORTED = frozenset({"conftest", "docs", "examples", "noxfile", "setup", "test", "tests"})


def is_local(dependency: str) -> bool:
    """Return whether a dependency is a folder instead of a package to install."""
    return dependency.startswith((".", "/"))


def source_folders(*, root: Path, dependencies: Sequence[str]) -> tuple[Path, ...]:
    """Return the root and the local dependencies that exist, without repeats."""
    local = (root / item for item in dependencies if is_local(item))
    found = (folder.resolve() for folder in local if folder.is_dir())
    return tuple(dict.fromkeys([root, *found]))


def import_folders(project: Project) -> tuple[Path, ...]:
    """Return what goes on `sys.path`: the folders, their `src`, and parents of packages."""
    result: list[Path] = []
    for folder in project.folders:
        result.append(folder)
        if (folder / "src").is_dir():
            result.append(folder / "src")
        if (folder / "__init__.py").is_file():
            result.append(folder.parent)
    return tuple(dict.fromkeys(result))


def top_level_modules(project: Project) -> dict[str, Path]:
    """Return the modules and packages that the project's folders make importable."""
    found: dict[str, Path] = {}
    for folder in project.folders:
        offered = [*_modules_in(folder), *_modules_in(folder / "src")]
        if (folder / "__init__.py").is_file():
            offered.append((folder.name, folder))
        for name, path in offered:
            found.setdefault(name, path)
    return found


def imported_names(project: Project) -> frozenset[str]:
    """Return the top-level names that the project's own source imports."""
    names = {spec.source.partition(".")[0] for spec in project.graphs if spec.kind == "module"}
    for file in source_files(project, suffixes=(".py",)):
        try:
            tree = ast.parse(file.read_bytes())
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        names.update(_imports(tree))
    return frozenset(names)


def is_boilerplate(name: str) -> bool:
    """Return whether every other project has such a module and none imports it."""
    return name in _NEVER_IMPORTED


def source_files(project: Project, *, suffixes: tuple[str, ...]) -> Iterator[Path]:
    """Yield the project's own files, at most MAX_FILES, in a stable order."""
    everything = (file for folder in project.folders for file in _walk(folder, suffixes))
    return islice(dict.fromkeys(islice(everything, MAX_FILES)), MAX_FILES)


def is_own(project: Project, file: str | None) -> bool:
    """Return whether a module's file belongs to the project and not to a library in it."""
    if not file:
        return False
    for folder in project.folders:
        # Asked of every imported module, so texts are compared before paths are made.
        if file.startswith(f"{folder}{os.sep}"):
            inner = Path(file).relative_to(folder).parts[:-1]
            if not any(_is_skipped_name(part) for part in inner):
                return True
    return False


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _modules_in(folder: Path) -> Iterator[tuple[str, Path]]:
    if not folder.is_dir():
        return
    for entry in sorted(folder.iterdir()):
        if _is_skipped_name(entry.name):
            continue
        if entry.suffix == ".py" and entry.stem.isidentifier():
            yield entry.stem, entry
        elif entry.name.isidentifier() and entry.is_dir() and next(entry.glob("*.py"), None):
            yield entry.name, entry


def _walk(folder: Path, suffixes: tuple[str, ...]) -> Iterator[Path]:
    for base, inner, files in islice(os.walk(folder), _MAX_FOLDERS):
        inner[:] = sorted(name for name in inner if not _is_foreign(Path(base, name)))
        for name in sorted(files):
            if name.endswith(suffixes) and not name.startswith("."):
                yield Path(base, name)


def _is_foreign(folder: Path) -> bool:
    return _is_skipped_name(folder.name) or (folder / "pyvenv.cfg").is_file()


def _is_skipped_name(name: str) -> bool:
    return name.startswith(".") or name in _SKIPPED or name.endswith(".egg-info")
