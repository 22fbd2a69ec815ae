"""Load a graph's file as a module of its own, so that two projects may use one file name."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from threads_app.graphs.allowlist import PACKAGE
from threads_app.graphs.failures import LoadError

# `threadhub_projects` has no folder of its own to search for modules.
_OURS = 1

if TYPE_CHECKING:
    from threads_app.graphs.project import Project


def locate(source: str, *, root: Path) -> tuple[Path, str]:
    """Return the file and from where it was found: the project's file, or the working directory."""
    for base, found in ((root, "file"), (Path.cwd(), "working directory")):
        file = (base / source).resolve()
        if file.is_file():
            return file, found
    raise LoadError(
        f"There is no file `{source}` in {root}: correct the path in langgraph.json.",
        code="file_missing",
    )


def load_file(file: Path, *, project: Project) -> ModuleType:
    """Execute a file once per process and return its module. Raises what the file raises."""
    name = module_name(file, project=project)
    known = sys.modules.get(name)
    if known is not None and getattr(known, "__file__", None) == str(file):
        return known
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise LoadError(f"`{file.name}` is not a Python file.", code="file_missing")
    _ensure_packages(name, file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def module_name(file: Path, *, project: Project) -> str:
    """Return the name under which a file is loaded; stored types carry it, so it is stable."""
    inner = file.relative_to(project.root) if file.is_relative_to(project.root) else Path(file.name)
    parts = [re.sub(r"\W", "_", part) for part in inner.with_suffix("").parts]
    return ".".join([PACKAGE, project.slug, *parts])


def _ensure_packages(name: str, file: Path) -> None:
    """Make the packages above a module, so that it may import its neighbors relatively."""
    parents = name.split(".")[:-1]
    folder = file.parent
    for depth in range(len(parents), 0, -1):
        package = ".".join(parents[:depth])
        known = sys.modules.setdefault(package, ModuleType(package))
        place = [str(folder)] if depth > _OURS else []
        if not hasattr(known, "__path__") or str(folder) not in known.__path__:
            known.__path__ = [*getattr(known, "__path__", []), *place]
        folder = folder.parent
