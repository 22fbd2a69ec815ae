"""Install what a LangGraph project needs beside ThreadHub's own packages, after asking.

Runs on .venv's Python: `project.py path/to/langgraph.json`. The lock is the constraint, so a
project can add packages but never change one of ThreadHub's.
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shlex
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path[0] = str(ROOT)

from threadhub.kernel.errors import Invalid  # noqa: E402  # the path is set above
from threads_app.graphs.folders import is_local  # noqa: E402
from threads_app.graphs.project import Project, read_project  # noqa: E402

BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


class Problem(Exception):
    """Why nothing is installed, and what to do."""


@dataclass(frozen=True)
class Want:
    """One package a project asks for, and the file that says so."""

    requirement: Requirement
    source: str

    @property
    def name(self) -> str:
        """The name in the form that compares."""
        return canonicalize_name(self.requirement.name)


def main(arguments: list[str]) -> int:
    """Show, ask, install. Returns 2 when nothing could be done."""
    if len(arguments) != 1 or not arguments[0]:
        say("Name the project: make project PROJECT=path/to/langgraph.json")
        return 2
    try:
        install(read_project(arguments[0]))
    except (Problem, Invalid) as problem:
        say(str(problem))
        return 2
    except KeyboardInterrupt:
        say("\nNothing was installed.")
        return 130
    return 0


def install(project: Project) -> None:
    """Install the project's packages. Raises Problem with one sentence."""
    folders = [local_folder(project, text) for text in project.dependencies if is_local(text)]
    wants = [want for text in project.dependencies if not is_local(text)
             for want in parsed(text, project.path)]  # fmt: skip
    wants += [want for folder in folders for want in wants_of(folder)]
    packages = [folder for folder in folders if is_package(folder)]
    refuse_conflicts(wants)
    show(project, wants, packages)
    if not packages and all(is_here(want) for want in wants):
        say("Everything it needs is installed.")
        return
    ask()
    run_pip(arguments(wants, packages, folders))
    say(f"Done. Start it with: make run PROJECT={shlex.quote(str(project.path))}")


def local_folder(project: Project, text: str) -> Path:
    """Return a dependency that is a folder. Raises Problem where there is none."""
    folder = (project.root / text).resolve()
    if not folder.is_dir():
        raise Problem(f"{project.path} names the folder {text}, but there is no {folder}.")
    return folder


def is_package(folder: Path) -> bool:
    """Say whether pip can install the folder; a pyproject.toml may only configure tools."""
    if (folder / "setup.py").is_file() or (folder / "setup.cfg").is_file():
        return True
    content = pyproject(folder)
    return "project" in content or "build-system" in content


def wants_of(folder: Path) -> Iterator[Want]:
    """Yield what the folder's own files ask for, as far as they say it without being run."""
    if is_package(folder):
        for text in pyproject(folder).get("project", {}).get("dependencies", []):
            yield from parsed(text, folder / "pyproject.toml")
    elif (folder / "requirements.txt").is_file():
        yield from wants_of_file(folder / "requirements.txt")


def pyproject(folder: Path) -> dict[str, dict[str, list[str]]]:
    """Return the folder's pyproject.toml, empty when there is none. Raises Problem."""
    file = folder / "pyproject.toml"
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Problem(f"{file} cannot be read: {error}.") from None


def wants_of_file(file: Path) -> Iterator[Want]:
    """Yield the packages of a requirements file; options and addresses are left to pip."""
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{file} cannot be read: {error}.") from None
    for line in text.replace("\\\n", " ").splitlines():
        # A comment begins with `#` at the start or after a space; hashes follow the version.
        plain = re.split(r"(?:^|\s)#|\s--", line)[0].strip()
        if plain and not plain.startswith(("-", ".", "/")) and "://" not in plain.split("@")[0]:
            yield from parsed(plain, file)


def parsed(text: str, source: Path) -> Iterator[Want]:
    """Yield the requirement if it holds for this Python. Raises Problem for a malformed one."""
    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise Problem(f"{source}: {text!r} is no package and version; correct it.") from None
    if requirement.marker is None or requirement.marker.evaluate():
        yield Want(requirement, source.name)


def locked() -> dict[str, str]:
    """Return what ThreadHub's lock pins for this Python."""
    pins: dict[str, str] = {}
    for line in (ROOT / "requirements" / "app.txt").read_text(encoding="utf-8").splitlines():
        if "==" in line:
            pin = Requirement(line.rstrip(" \\"))
            if pin.marker is None or pin.marker.evaluate():
                pins[canonicalize_name(pin.name)] = str(pin.specifier)[2:]
    return pins


def refuse_conflicts(wants: list[Want]) -> None:
    """Name each package that is wanted in another version than ThreadHub's own."""
    pins = locked()
    sentences = [
        f"{want.source} wants {bare(want.requirement)}, ThreadHub runs on "
        f"{want.requirement.name} {pins[want.name]}."
        for want in wants
        if want.name in pins
        and not want.requirement.specifier.contains(pins[want.name], prereleases=True)
    ]
    if sentences:
        raise Problem("\n".join([*sentences, "Nothing was installed. Widen the project's range."]))


def bare(requirement: Requirement) -> str:
    """Return name and range without marker and address."""
    return f"{requirement.name}{requirement.specifier}"


def is_here(want: Want) -> bool:
    """Say whether .venv holds a version that the project accepts."""
    try:
        version = importlib.metadata.version(want.name)
    except importlib.metadata.PackageNotFoundError:
        return False
    # Extras bring packages of their own, which only pip knows.
    extras = want.requirement.extras or want.requirement.url
    return not extras and want.requirement.specifier.contains(version, prereleases=True)


def show(project: Project, wants: list[Want], packages: list[Path]) -> None:
    """List what the project asks for and what of it is already there."""
    say(f"{project.path} asks for:")
    for want in sorted(wants, key=lambda want: want.name):
        state = "here already" if is_here(want) else "to be installed"
        say(f"  {want.requirement}  ({want.source}; {state})")
    for folder in packages:
        say(f"  {folder}  (its own package; what it builds on is installed with it)")
    if not wants and not packages:
        say("  nothing beside ThreadHub's own packages")


def ask() -> None:
    """Ask on a terminal; elsewhere only YES=1 is a yes. Raises Problem for a no."""
    if os.environ.get("YES", "") not in {"", "0"}:
        return
    if not sys.stdin.isatty():
        raise Problem("Nothing was installed: there is no terminal to ask on. Add YES=1.")
    sys.stderr.write("Install this into .venv, with ThreadHub's own versions kept? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
        raise Problem("Nothing was installed.")


def arguments(wants: list[Want], packages: list[Path], folders: list[Path]) -> list[str]:
    """Return pip's arguments: specs, requirements files as they are, packages editable."""
    result = [str(want.requirement) for want in wants if want.source == "langgraph.json"]
    for folder in folders:
        if folder in packages:
            result += ["-e", str(folder)]
        elif (folder / "requirements.txt").is_file():
            result += ["-r", str(folder / "requirements.txt")]
    return result


def run_pip(wanted: list[str]) -> None:
    """Resolve everything, then install it; pip changes nothing when it cannot resolve."""
    with tempfile.NamedTemporaryFile("w", prefix="threadhub-", suffix=".txt") as constraints:
        constraints.writelines(f"{name}=={version}\n" for name, version in locked().items())
        constraints.flush()
        command = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
        command += ["--no-input", "-c", constraints.name, *wanted]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Problem(translated(done.stdout + done.stderr))


def translated(output: str) -> str:
    """Say which two versions exclude each other; pip's own last lines where it is not that."""
    pins = locked()
    sentences = [
        f"{who} wants {need}, ThreadHub runs on {name} {pins[canonicalize_name(name)]}."
        for who, need, name in re.findall(
            r"^ +(\S+ \S+) depends on (([\w.-]+)[^\n;]*)", output, re.MULTILINE
        )
        if canonicalize_name(name) in pins
        and not Requirement(need).specifier.contains(pins[canonicalize_name(name)])
    ]
    if sentences:
        return "\n".join([*dict.fromkeys(sentences), "Nothing was installed."])
    lines = [line for line in output.splitlines() if line.strip() and "WARNING" not in line]
    return "\n".join(["pip could not install this:", *(f"  {line}" for line in lines[-12:])])


def say(text: str) -> None:
    """Tell the person at the terminal."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
