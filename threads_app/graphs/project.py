"""What a `langgraph.json` says, read and checked without importing anything of it."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from threads_app.graphs import environment, folders, workspaces
from threads_app.graphs.keeping import (
    CheckpointSettings,
    StoreSettings,
    read_checkpointer,
    read_store,
)
from threads_app.graphs.shapes import ProjectError as ProjectError
from threads_app.graphs.shapes import kind
from threads_app.graphs.targets import GraphSpec, read_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_FILE_BYTES = 1_000_000

# Keys that are read here or by the loader.
_USED = frozenset({"graphs", "dependencies", "env", "checkpointer", "store", "source"})

# Keys other hosts use: accepted, and where leaving them out changes something, why.
_UNUSED: Mapping[str, str] = MappingProxyType(
    {
        "auth": "ThreadHub's own rights decide who may do what; the file is not imported",
        "http": "custom routes are not served",
        "encryption": "ThreadHub keeps its own keys",
        "webhooks": "not supported",
        "ui": "not supported",
        "ui_config": "not supported",
        "$schema": "",
        "api_version": "",
        "base_image": "",
        "disable_persistence": "",
        "docker_compose_file": "",
        "dockerfile_lines": "",
        "image_distro": "",
        "keep_pkg_tools": "",
        "node_version": "",
        "pip_config_file": "",
        "pip_installer": "",
        "python_version": "",
    }
)


@dataclass(frozen=True, kw_only=True)
class Project:
    """One `langgraph.json`: its graphs, folders and settings; nothing is imported yet."""

    slug: str
    path: Path
    root: Path
    graphs: tuple[GraphSpec, ...]
    dependencies: tuple[str, ...] = ()
    # The values may be secrets: they are never shown or logged.
    env: Mapping[str, str] = field(default_factory=dict, repr=False)
    # The file that `env` names, where there is none.
    env_missing: str = ""
    python_version: str = ""
    store: StoreSettings = field(default_factory=StoreSettings)
    checkpoints: CheckpointSettings = field(default_factory=CheckpointSettings)
    # Folders of a uv workspace beside the project's own.
    members: tuple[Path, ...] = ()
    ignored_keys: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @cached_property
    def folders(self) -> tuple[Path, ...]:
        """Return the folders that hold the project's own source, the root first."""
        own = folders.source_folders(root=self.root, dependencies=self.dependencies)
        return tuple(dict.fromkeys([*own, *self.members]))

    @property
    def serde_allowlist(self) -> frozenset[tuple[str, ...]]:
        """Return the types that the project itself allows in checkpoints."""
        return self.checkpoints.serde_allowlist


def read_project(path: str | Path) -> Project:
    """Read a `langgraph.json`, or the one in a folder. Raises ProjectError."""
    file = _locate(Path(path).expanduser())
    content = _parse(file)
    warnings: list[str] = []
    ignored = _ignored_keys(content, warnings)
    dependencies = _dependencies(content, file, warnings)
    return Project(
        slug=slug_of(file),
        path=file,
        root=file.parent,
        graphs=_graphs(content, file),
        dependencies=dependencies,
        env=_env(content, file, warnings),
        env_missing=_missing_env(content.get("env"), file),
        python_version=str(content.get("python_version") or ""),
        store=read_store(content, file, warnings),
        checkpoints=read_checkpointer(content, file, warnings),
        members=workspaces.members(content, file, warnings),
        ignored_keys=ignored,
        warnings=tuple(warnings),
    )


def slug_of(file: Path) -> str:
    """Return the project's name in module paths: its folder's, and the file's if unusual."""
    words = [file.parent.name or "root"]
    if file.stem != "langgraph":
        words.append(file.stem)
    slug = re.sub(r"\W+", "_", "_".join(words)).strip("_").lower() or "project"
    return f"_{slug}" if slug[0].isdigit() else slug


def _locate(path: Path) -> Path:
    file = path / "langgraph.json" if path.is_dir() else path
    if not file.is_file():
        raise ProjectError(
            f"There is no file {file}: name an existing langgraph.json.",
            code="project_missing",
        )
    return file.resolve()


def _parse(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > MAX_FILE_BYTES:
            raise ProjectError(f"{file} is larger than 1 MB: that is no langgraph.json.")
        content = json.loads(file.read_text("utf-8-sig"), object_pairs_hook=_no_repeats)
    except json.JSONDecodeError as error:
        raise ProjectError(
            f"{file} is not valid JSON: {error.msg} at line {error.lineno}, "
            f"column {error.colno}. Correct that place.",
            code="project_malformed",
        ) from None
    except UnicodeDecodeError:
        raise ProjectError(
            f"{file} is not UTF-8 text: save it as UTF-8.", code="project_malformed"
        ) from None
    except _RepeatedKeyError as error:
        raise ProjectError(
            f"{file} has the key {error.args[0]!r} twice in one object: remove one of them.",
            code="project_malformed",
        ) from None
    except (OSError, RecursionError) as error:
        raise ProjectError(f"{file} cannot be read: {error}. Check the file.") from None
    if not isinstance(content, dict):
        raise ProjectError(
            f'{file} holds {kind(content)}: write an object such as {{"graphs": ...}}.'
        )
    return content


class _RepeatedKeyError(ValueError):
    """One JSON object names a key twice; the argument is the key."""


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _RepeatedKeyError(key)
        result[key] = value
    return result


def _graphs(content: Mapping[str, Any], file: Path) -> tuple[GraphSpec, ...]:
    graphs = content.get("graphs")
    if not isinstance(graphs, dict) or not graphs:
        found = "no graphs" if not graphs else f'{kind(graphs)} as "graphs"'
        raise ProjectError(
            f'{file} has {found}: write "graphs": {{"name": "./file.py:variable"}}.',
            code="project_without_graphs",
        )
    return tuple(read_spec(name, entry) for name, entry in graphs.items())


def _dependencies(content: Mapping[str, Any], file: Path, warnings: list[str]) -> tuple[str, ...]:
    value = content.get("dependencies", [])
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ProjectError(
            f'{file}: "dependencies" must be a list of texts, such as ["."] or ["httpx>=0.27"].'
        )
    warnings += [
        f"The dependency {item} is no folder; it is left out."
        for item in value
        if folders.is_local(item) and not (file.parent / item).is_dir()
    ]
    return tuple(value)


def _env(content: Mapping[str, Any], file: Path, warnings: list[str]) -> Mapping[str, str]:
    try:
        return environment.read(content.get("env", {}), root=file.parent, warnings=warnings)
    except environment.EnvError as error:
        raise ProjectError(f"{file}: {error}", code="project_env_invalid") from None


def _missing_env(value: object, file: Path) -> str:
    is_missing = isinstance(value, str) and value and not (file.parent / value).is_file()
    return str(value) if is_missing else ""


def _ignored_keys(content: Mapping[str, Any], warnings: list[str]) -> tuple[str, ...]:
    ignored = sorted(set(content) - _USED)
    for key in ignored:
        why = _UNUSED.get(key, "ThreadHub does not know this key")
        if why and content[key]:
            warnings.append(f"{key} is not used: {why}.")
    wanted = content.get("python_version")
    running = f"{sys.version_info.major}.{sys.version_info.minor}"
    if wanted and str(wanted) != running:
        warnings.append(f"The project asks for Python {wanted}; this is Python {running}.")
    return tuple(ignored)
