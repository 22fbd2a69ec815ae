"""The members of a uv workspace that a project is part of (`"source": {"kind": "uv"}`)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from threads_app.graphs.shapes import object_in

_MAX_MEMBERS = 200


def members(content: Mapping[str, Any], file: Path, warnings: list[str]) -> tuple[Path, ...]:
    """Return the folders of the workspace, the wanted package first; nothing is installed."""
    source = object_in(content, "source", file)
    if not source:
        return ()
    if source.get("kind") != "uv":
        warnings.append(f"source is not used: its kind {source.get('kind')!r} is not known here.")
        return ()
    root = (file.parent / str(source.get("root") or ".")).resolve()
    workspace = _pyproject(root)
    if workspace is None:
        warnings.append(f"source.root has no readable pyproject.toml ({root}); it is left out.")
        return ()
    found = _members(root, workspace)
    return _with_first(found, str(source.get("package") or ""), warnings)


def _members(root: Path, workspace: Mapping[str, Any]) -> list[Path]:
    table = _table(workspace, "tool", "uv", "workspace")
    excluded = {
        path.resolve() for rule in _texts(table, "exclude") for path in _matching(root, rule)
    }
    found = [path.resolve() for rule in _texts(table, "members") for path in _matching(root, rule)]
    wanted = [path for path in found if path.is_dir() and path not in excluded]
    return list(dict.fromkeys([root, *wanted]))[:_MAX_MEMBERS]


def _matching(root: Path, rule: str) -> list[Path]:
    try:
        return sorted(root.glob(rule))
    except (ValueError, NotImplementedError):
        return []


def _with_first(found: list[Path], package: str, warnings: list[str]) -> tuple[Path, ...]:
    if not package:
        return tuple(found)
    first = [path for path in found if _name(path) == _plain(package)]
    if not first:
        warnings.append(f"source.package {package} is no member of the workspace.")
    return tuple(dict.fromkeys([*first, *found]))


def _name(folder: Path) -> str:
    return _plain(str(_table(_pyproject(folder) or {}, "project").get("name", "")))


def _plain(name: str) -> str:
    return name.lower().replace("_", "-").replace(".", "-")


def _pyproject(folder: Path) -> dict[str, Any] | None:
    try:
        return tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _table(content: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    for key in path:
        inner = content.get(key)
        content = inner if isinstance(inner, dict) else {}
    return content


def _texts(table: Mapping[str, Any], key: str) -> list[str]:
    value = table.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
