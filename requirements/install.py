"""Create `.venv` and install a locked set of packages: `install.py app` or `install.py dev`.

Runs on the system's Python before anything is installed, so it uses the standard library only
and stays readable for Python 3.8, which gets a clear sentence instead of a syntax error.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Iterator

ROOT = Path(os.path.realpath(__file__)).parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / "threadhub.json"
# Present from before the first change until after the last one.
UNFINISHED = VENV / "unfinished"
SUPPORTED = ("3.13", "3.12", "3.11")
UNREACHABLE = "after connection broken by"
PROBE = (
    "import platform, sys;"
    "print(sys.version_info[0], sys.version_info[1], sep='.');"
    "print(platform.python_implementation());"
    "print(getattr(sys, '_base_executable', sys.executable))"
)


class Problem(Exception):
    """Something the person at the terminal has to mend; the message says how."""


def main(arguments: list[str]) -> int:
    """Bring `.venv` up to the lock of the named group; do nothing when it already is."""
    if len(arguments) != 1 or arguments[0] not in {"app", "dev"}:
        sys.stderr.write("usage: install.py app|dev\n")
        return 2
    try:
        if not is_current(arguments[0]):
            with one_at_a_time():
                if not is_current(arguments[0]):
                    install(arguments[0])
    except Problem as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped; the next call begins again where it is safe.\n")
        return 130
    return 0


def is_current(group: str) -> bool:
    """Say whether `.venv` works, stands where it was made and holds the locked packages."""
    try:
        stamp = json.loads(STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if UNFINISHED.exists() or stamp.get(group) != digest(group):
        return False
    return stamp.get("place") == str(VENV) and stamp.get("python") == usable_version()


def usable_version() -> str | None:
    """Return the version of `.venv`'s own interpreter, None when it must be built again."""
    found = probe(str(PYTHON))
    if found is None or found[0] not in SUPPORTED:
        return None
    if os.environ.get("PYTHON") and choose_python()[0] != found[0]:
        return None
    return found[0]


def install(group: str) -> None:
    """Build or repair `.venv` and install the group; the stamp is written last."""
    check_pins()
    if not can_keep():
        build()
    elif not os.access(str(VENV), os.W_OK):
        raise Problem(f"{VENV} belongs to another user. Remove it, or call make as that user.")
    UNFINISHED.touch()
    with contextlib.suppress(FileNotFoundError):
        STAMP.unlink()
    install_packages(group)
    version = usable_version()
    groups = ("app", "dev") if group == "dev" else ("app",)
    stamp = {"python": version, "place": str(VENV)}
    stamp.update({name: digest(name) for name in groups})
    STAMP.write_text(json.dumps(stamp) + "\n", encoding="utf-8")
    UNFINISHED.unlink()


def can_keep() -> bool:
    """Say whether the packages can be installed into the `.venv` that stands here."""
    if not VENV.exists():
        return False
    if UNFINISHED.exists():
        # Half a package looks installed to pip, so only a new beginning is safe.
        say("The last installation was interrupted: building .venv again.")
        return False
    if usable_version() is None or not made_here():
        say("The Python of .venv is gone, moved or another version: building .venv again.")
        return False
    return probe(str(PYTHON), "import pip; print(1); print(1); print(1)") is not None


def made_here() -> bool:
    """Say whether `.venv` was created at this place; its scripts name it."""
    try:
        activate = (VENV / "bin" / "activate").read_text(encoding="utf-8")
    except OSError:
        return False
    return str(VENV) in activate


def build() -> None:
    """Create an empty `.venv` with a supported Python."""
    version, interpreter = choose_python()
    check_venv_module(interpreter, version)
    try:
        if VENV.is_symlink():
            VENV.unlink()
        elif VENV.exists():
            shutil.rmtree(str(VENV))
        VENV.mkdir()
        UNFINISHED.touch()
    except OSError as error:
        raise Problem(
            f"{error.filename or VENV} cannot be written ({error.strerror}). "
            "Remove it, or call make as its owner."
        ) from None
    made = subprocess.run(
        [interpreter, "-I", "-m", "venv", str(VENV)], stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, universal_newlines=True, check=False,
    )  # fmt: skip
    if made.returncode:
        raise Problem("Python could not create .venv:\n" + closing_lines(made.stdout))


def choose_python() -> tuple[str, str]:
    """Return version and path of $PYTHON, else python3, else a versioned interpreter."""
    chosen = os.environ.get("PYTHON")
    seen = []
    for candidate in [chosen] if chosen else ["python3"] + ["python" + v for v in SUPPORTED]:
        found = probe(candidate)
        if found is None:
            continue
        version, implementation, executable = found
        if version in SUPPORTED and implementation == "CPython":
            return version, executable
        seen.append(f"{candidate} is {implementation} {version}")
    raise Problem(unsupported(chosen, seen))


def unsupported(chosen: str | None, seen: list[str]) -> str:
    """Say which Python was found, which is needed, and how to get it."""
    found = "; ".join(seen) or f"{chosen or 'python3'} does not run"
    if chosen:
        return (
            f"ThreadHub needs Python 3.11, 3.12 or 3.13 (PYTHON={found}).\n"
            "Correct PYTHON, or leave it out."
        )
    version = installable_version()
    return (
        f"ThreadHub needs Python 3.11, 3.12 or 3.13 ({found}).\n"
        + apt_line([f"python{version}", f"python{version}-venv"])
        + "\nOr name another interpreter: make ... PYTHON=/path/to/python3"
    )


def installable_version() -> str:
    """Return the newest supported version that the system's package lists know."""
    for version in SUPPORTED:
        command = ["apt-cache", "show", "--no-all-versions", f"python{version}-venv"]
        with contextlib.suppress(OSError):
            nothing = subprocess.DEVNULL
            if subprocess.run(command, stdout=nothing, stderr=nothing, check=False).returncode == 0:
                return version
    return SUPPORTED[-1]


def check_venv_module(interpreter: str, version: str) -> None:
    """Refuse an interpreter without venv: Debian ships it as a package of its own."""
    if probe(interpreter, "import venv, ensurepip; print(1); print(1); print(1)"):
        return
    default = os.path.realpath("/usr/bin/python3") == os.path.realpath(interpreter)
    package = "python3-venv" if default else f"python{version}-venv"
    raise Problem("Python's venv module is missing.\n" + apt_line([package]))


def apt_line(packages: list[str]) -> str:
    """Return the one line that installs what is missing."""
    missing = packages if shutil.which("make") else [*packages, "make"]
    return ("" if os.geteuid() == 0 else "sudo ") + "apt install " + " ".join(missing)


def probe(interpreter: str, code: str = PROBE) -> list[str] | None:
    """Return the three lines an interpreter prints, None when it does not run."""
    try:
        ran = subprocess.run(
            [interpreter, "-I", "-c", code], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, universal_newlines=True, check=False,
        )  # fmt: skip
    except OSError:
        return None
    lines = ran.stdout.splitlines()
    return lines if ran.returncode == 0 and len(lines) == 3 else None


def install_packages(group: str) -> None:
    """Install the group's lock as wheels; a package without one for this machine is built."""
    say(f"Installing the locked packages of requirements/{group}.txt into .venv ...")
    began = time.monotonic()
    from_source: list[str] = []
    while True:
        code, output = run_pip(group, from_source)
        if code == 0:
            break
        missing = re.search(r"No matching distribution found for ([\w.-]+)==", output)
        if missing is None or missing.group(1) in from_source or UNREACHABLE in output:
            raise Problem(why_pip_failed(output))
        from_source.append(missing.group(1))
        say(f"{missing.group(1)} has no wheel for this machine: building it.")
    say(f"Installed in {time.monotonic() - began:.0f} s.")


def run_pip(group: str, from_source: list[str]) -> tuple[int, str]:
    """Run pip with hashes required; returns its exit code and all it said."""
    command = [
        str(PYTHON), "-I", "-m", "pip", "install", "--disable-pip-version-check", "--no-input",
        "--require-hashes", "--only-binary", ":all:", "-r", str(lock(group)),
    ]  # fmt: skip
    for name in from_source:
        command += ["--no-binary", name]
    # A person's own pip settings must not move the packages out of .venv.
    environment = dict(os.environ, PIP_USER="0", PIP_REQUIRE_VIRTUALENV="0")
    for name in ("PIP_TARGET", "PIP_PREFIX", "PIP_ROOT", "PIP_CONSTRAINT", "PIP_REQUIREMENT"):
        environment.pop(name, None)
    with subprocess.Popen(
        command, env=environment, cwd=str(ROOT), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True,
        encoding="utf-8", errors="replace",
    ) as pip:  # fmt: skip
        output = watch(pip)
    return pip.returncode, output


def watch(pip: subprocess.Popen[str]) -> str:
    """Collect what pip says; on a terminal show how far it is."""
    lines = []
    collected = 0
    for line in pip.stdout or ():
        lines.append(line)
        if line.startswith("Collecting ") and sys.stderr.isatty():
            collected += 1
            sys.stderr.write(f"\r\033[K  {collected} {line.split()[1][:60]}")
            sys.stderr.flush()
    if collected:
        sys.stderr.write("\r\033[K")
    return "".join(lines)


def why_pip_failed(output: str) -> str:
    """Return one sentence and pip's own closing lines."""
    if UNREACHABLE in output:
        return "No package index could be reached. Check the network, then call make again."
    return "pip could not install the locked packages:\n" + closing_lines(output)


def closing_lines(output: str) -> str:
    """Return the last lines that are no warnings."""
    lines = [line for line in output.splitlines() if line.strip() and "WARNING" not in line]
    return "\n".join("  " + line for line in lines[-12:])


def lock(group: str) -> Path:
    """Return the lock file of a group."""
    return ROOT / "requirements" / (group + ".txt")


def digest(group: str) -> str:
    """Return the fingerprint of a lock file."""
    return hashlib.sha256(lock(group).read_bytes()).hexdigest()


def pins(group: str) -> dict[str, str]:
    """Return `name ; marker` -> version as the lock says."""
    pattern = re.compile(r"^([\w.-]+)==([^\s;\\]+)([^\\\n]*)", re.MULTILINE)
    text = lock(group).read_text(encoding="utf-8")
    return {name + rest.rstrip(): version for name, version, rest in pattern.findall(text)}


def check_pins() -> None:
    """Refuse two locks that disagree: tests would run with other packages than people do."""
    ours, theirs = pins("app"), pins("dev")
    for name in sorted(ours):
        if theirs.get(name) != ours[name]:
            raise Problem(
                f"requirements/app.txt pins {name} {ours[name]}, "
                f"dev.txt pins {theirs.get(name, 'nothing')}. Run: make lock"
            )


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other installation works on this checkout."""
    handle = os.open(str(ROOT / "requirements"), os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            say("Waiting for another installation of this checkout ...")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def say(text: str) -> None:
    """Tell the person at the terminal what happens."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
