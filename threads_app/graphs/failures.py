"""Say in one sentence why a graph cannot be loaded, and what to do."""

from __future__ import annotations

import sys
import traceback
from typing import TYPE_CHECKING

from threads_app.graphs import folders
from threads_app.graphs.targets import printable

if TYPE_CHECKING:
    from threads_app.graphs.project import Project
    from threads_app.graphs.targets import GraphSpec

MAX_REASON = 500


class LoadError(Exception):
    """One graph cannot be loaded; the text is the reason a person reads."""

    def __init__(self, reason: str, *, code: str) -> None:
        super().__init__(printable(reason)[:MAX_REASON])
        self.code = code


class Refused(ConnectionRefusedError):
    """The check does not let a graph's module do that; the text is the sentence's middle."""

    def __init__(self, what: str, *, code: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.code = code
        self.remedy = remedy

    def sentence(self, who: str) -> str:
        """Return what it did and what to do instead."""
        return f"{who} {self.what}: {self.remedy}."


def explain(error: BaseException, *, spec: GraphSpec, project: Project) -> LoadError:
    """Translate what a module raised at import into a sentence with what to do."""
    code, reason = _explained(error, spec=spec, project=project)
    return LoadError(reason, code=code)


def explain_factory(error: BaseException, *, spec: GraphSpec, project: Project) -> LoadError:
    """Translate what a factory raised into a sentence with what to do."""
    if isinstance(error, ModuleNotFoundError) and error.name:
        return explain(error, spec=spec, project=project)
    refused = _refused(error)
    if refused is not None:
        who = f"The factory `{spec.variable}`{_place(error, project)}"
        return LoadError(refused.sentence(who), code=refused.code)
    return LoadError(
        f"The factory `{spec.variable}` raises {type(error).__name__}{_place(error, project)}: "
        f"{_text(error)}. Correct it and restart.",
        code="factory_raises",
    )


def _explained(error: BaseException, *, spec: GraphSpec, project: Project) -> tuple[str, str]:
    where = _place(error, project)
    refused = _refused(error)
    if refused is not None:
        return refused.code, refused.sentence(f"`{spec.source}`, when imported{where},")
    if isinstance(error, ModuleNotFoundError) and error.name:
        return _missing_module(error.name, spec=spec, project=project, where=where)
    if isinstance(error, SyntaxError):
        return "syntax", (
            f"`{error.filename}` is not valid for this Python ({_running()}): {error.msg} (line "
            f"{error.lineno}). Correct it, or use the Python version it is written for"
            f"{_written_for(project)}."
        )
    if isinstance(error, SystemExit):
        return "exits", (
            f"`{spec.source}` ends the process when imported (sys.exit{where}): move that under "
            'if __name__ == "__main__".'
        )
    if isinstance(error, ImportError):
        return "import", f"`{spec.source}` cannot be imported{where}: {_text(error)}."
    if isinstance(error, MemoryError):
        return "memory", (
            f"`{spec.source}` wants more memory when imported{where} than a graph may have: move "
            "that into a node."
        )
    return "raises", (
        f"`{spec.source}` raises {type(error).__name__} when imported{where}: {_text(error)}. "
        f"{_remedy(error, project)}"
    )


def _remedy(error: BaseException, project: Project) -> str:
    if isinstance(error, KeyError) and project.env_missing:
        return f"Its env file {project.env_missing} is missing: make that or set the variable."
    return "Correct it and restart."


def _running() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _written_for(project: Project) -> str:
    wanted = project.python_version
    return f", {wanted}" if wanted and wanted != _running() else ""


def _missing_module(name: str, *, spec: GraphSpec, project: Project, where: str) -> tuple[str, str]:
    if spec.kind == "module" and (spec.source + ".").startswith(name + "."):
        return "module_missing", (
            f"There is no module `{name}` in the project's folders or installed packages: correct "
            "`graphs` or `dependencies` in langgraph.json."
        )
    return "package_missing", (
        f"`{spec.source}` needs the module `{name}`, which is not installed{where}: add its "
        f"package to `dependencies` and run `make project PROJECT={project.path}`."
    )


def _refused(error: BaseException) -> Refused | None:
    """Return the refusal behind an error, however often it was raised anew."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        if isinstance(current, Refused):
            return current
        seen.add(id(current))
        current = current.__cause__ or current.__context__
    return None


def _place(error: BaseException, project: Project) -> str:
    """Return the last line of the project's own code on the way to the error."""
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if folders.is_own(project, frame.filename)
    ]
    if not own:
        return ""
    name = own[-1].filename.rpartition("/")[2]
    return f" ({name}, line {own[-1].lineno})"


def _text(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else "no message")[:300].rstrip(".")
