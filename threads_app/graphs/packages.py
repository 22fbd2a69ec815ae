"""Which packages a project asks for and this installation does not have."""

from __future__ import annotations

import importlib.metadata
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement

from threads_app.graphs import folders

if TYPE_CHECKING:
    from threads_app.graphs.project import Project


def missing(project: Project) -> tuple[str, ...]:
    """Return the requirements that are not met, as written, without repeats. Installs nothing."""
    wanted = [item for item in project.dependencies if not folders.is_local(item)]
    for folder in project.folders:
        wanted += _asked_by(folder)
    found = (_parsed(text) for text in wanted)
    unmet = (str(item) for item in found if item is not None and not _is_met(item))
    own = {_plain(name) for name in _own_names(project)}
    return tuple(dict.fromkeys(text for text in unmet if _plain(Requirement(text).name) not in own))


def _asked_by(folder: Path) -> Iterator[str]:
    declared = _pyproject(folder).get("dependencies")
    if isinstance(declared, list):
        yield from (item for item in declared if isinstance(item, str))
        return
    try:
        lines = (folder / "requirements.txt").read_text("utf-8").splitlines()
    except (OSError, ValueError):
        return
    for line in lines:
        plain = line.partition(" #")[0].strip()
        if plain and not plain.startswith(("#", "-", ".", "/")):
            yield plain.partition(" --")[0]


def _pyproject(folder: Path) -> dict[str, object]:
    try:
        content = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    table = content.get("project")
    return table if isinstance(table, dict) else {}


def _own_names(project: Project) -> Iterator[str]:
    """Yield the names of the project's own folders, which are on the path and not installed."""
    for folder in project.folders:
        name = _pyproject(folder).get("name")
        if isinstance(name, str):
            yield name


def _parsed(text: str) -> Requirement | None:
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        return None
    is_wanted = requirement.marker is None or requirement.marker.evaluate()
    return requirement if is_wanted else None


def _is_met(requirement: Requirement) -> bool:
    try:
        version = importlib.metadata.version(requirement.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    return requirement.specifier.contains(version, prereleases=True)


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")
