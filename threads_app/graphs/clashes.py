"""Which projects cannot run in one process, and the sentence that says so."""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

from threads_app.graphs import environment, folders

if TYPE_CHECKING:
    from threads_app.graphs.project import Project


def clash(second: Project, *, first: Project) -> str | None:
    """Return why the second project cannot run beside the first, None when it can."""
    if second.slug == first.slug and second.root != first.root:
        return _sentence(first, f"both are called `{second.slug}`", "rename one of the folders")
    names = environment.differing(first.env, second.env)
    if names:
        listed = " and ".join(f"`{name}`" for name in names[:3])
        return _sentence(first, f"both set {listed}, differently", "use a worker of its own")
    modules = shared_modules(second, first=first)
    if modules:
        listed = " and ".join(f"`{name}`" for name in modules[:3])
        return _sentence(first, f"both define {listed}", "rename one, or use a worker of its own")
    return None


def shared_modules(second: Project, *, first: Project) -> tuple[str, ...]:
    """Return the module names of which the second project would get the first one's.

    Graph files and the like that nothing imports by name do not count.
    """
    known, offered = folders.top_level_modules(first), folders.top_level_modules(second)
    shared = [name for name, path in offered.items() if known.get(name, path) != path]
    if not shared:
        return ()
    imported = folders.imported_names(second)
    graph_files = {spec.source.rpartition("/")[2] for spec in second.graphs if spec.kind == "file"}
    return tuple(
        name
        for name in sorted(shared)
        if name in imported or not (folders.is_boilerplate(name) or f"{name}.py" in graph_files)
    )


def shadowed_modules(project: Project) -> tuple[str, ...]:
    """Return the project's modules that it imports but gets from the server's packages."""
    offered = folders.top_level_modules(project)
    names = [name for name in offered if not folders.is_boilerplate(name)]
    taken = {name for name in names if _is_taken(name, project)}
    return tuple(sorted(taken & folders.imported_names(project))) if taken else ()


def _is_taken(name: str, project: Project) -> bool:
    known = sys.modules.get(name)
    file = getattr(known, "__file__", None)
    if known is None:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            return False
        file = spec.origin if spec else None
        if spec is None:
            return False
    return not folders.is_own(project, file) if file else name in sys.builtin_module_names


def _sentence(first: Project, what: str, remedy: str) -> str:
    return f"cannot run beside {first.slug}: {what}; {remedy}."
