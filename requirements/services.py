"""Have the servers and the browser that the tests need, installed from the system's packages.

As root, or where sudo asks nothing, what is missing is installed and not started; otherwise the
tests use what is there and skip the rest by name.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "threadhub" / "ops" / "rehearsal"
sys.path.insert(0, str(FOLDER))
import binaries  # noqa: E402  # the module alone: this script runs on any Python

PACKAGES = {
    "chromium": binaries.chromium,
    "fonts-noto-cjk": binaries.chinese_font,
    "postgresql": binaries.postgres,
    "redis-server": binaries.redis,
}
SERVICES = ("postgresql", "redis-server")
POLICY = Path("/usr/sbin/policy-rc.d")
SAVED_POLICY = Path("/usr/sbin/policy-rc.d.before-threadhub")
# The comment tells a leftover of ours from the policy of the machine's owner.
NO_STARTS = "#!/bin/sh\n# Written by ThreadHub while it installs its tests' packages.\nexit 101\n"
CLUSTERS = Path("/etc/postgresql-common/createcluster.d")
MAY_INSTALL = "--install"


def main(arguments: list[str]) -> int:
    """Install what is missing if that is allowed, say what is skipped if not."""
    if arguments == [MAY_INSTALL]:
        return install(missing())
    absent = missing()
    if not absent:
        return 0
    if shutil.which("apt-get") is None or not is_administrator():
        say(f"Not installed: {', '.join(absent)}. Tests that need them are skipped by name.")
        say(f"To run them too: sudo apt install {' '.join(absent)}")
        return 0
    return as_administrator()


def missing() -> list[str]:
    """Return the packages whose programs are not on this machine."""
    return [package for package, find in PACKAGES.items() if find() is None]


def is_administrator() -> bool:
    """Say whether packages can be installed without asking anybody."""
    if os.geteuid() == 0:
        return True
    return shutil.which("sudo") is not None and run(["sudo", "-n", "true"]) == 0


def as_administrator() -> int:
    """Install with the rights that `is_administrator` found."""
    if os.geteuid() == 0:
        return install(missing())
    script = [sys.executable, "-I", str(Path(__file__).resolve()), MAY_INSTALL]
    return subprocess.run(["sudo", "-n", *script], check=False).returncode


def install(packages: list[str]) -> int:
    """Install the packages and leave their services off. Returns 2 when apt fails."""
    say(f"Installing {', '.join(packages)} for the tests ...")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with no_service_starts(), no_database_cluster():
        failed = apt(packages)
    if failed:
        say(f"apt-get could not install them: {failed}")
        return 2
    # Enabled services would start with the next boot.
    if shutil.which("systemctl"):
        run(["systemctl", "disable", *(name for name in packages if name in SERVICES)])
    left = missing()
    say("Installed; no service was started." if not left else f"Still missing: {', '.join(left)}")
    return 2 if left else 0


def apt(packages: list[str]) -> str:
    """Run apt-get, with fresh package lists only if needed; returns its last lines on failure."""
    command = ["apt-get", "install", "--yes", "--no-install-recommends", *packages]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    for refresh in (False, True):
        if refresh and run(["apt-get", "update"]) != 0:
            return "apt-get update failed; is the network up?"
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return ""
    return "\n".join((done.stdout + done.stderr).splitlines()[-8:])


@contextlib.contextmanager
def no_service_starts() -> Iterator[None]:
    """Answer "may it start?" with no while packages are configured; Debian asks this file."""
    if os.path.lexists(POLICY) and POLICY.read_bytes() != NO_STARTS.encode():
        POLICY.rename(SAVED_POLICY)
    try:
        POLICY.write_text(NO_STARTS, encoding="ascii")
        POLICY.chmod(0o755)
        yield
    finally:
        POLICY.unlink(missing_ok=True)
        if os.path.lexists(SAVED_POLICY):
            SAVED_POLICY.rename(POLICY)


@contextlib.contextmanager
def no_database_cluster() -> Iterator[None]:
    """Keep PostgreSQL's package from creating its main cluster; leaves no file behind."""
    made = not CLUSTERS.exists()
    CLUSTERS.mkdir(parents=True, exist_ok=True)
    setting = CLUSTERS / "threadhub-tests.conf"
    try:
        setting.write_text("create_main_cluster = false\n", encoding="ascii")
        yield
    finally:
        setting.unlink(missing_ok=True)
        if made:
            with contextlib.suppress(OSError):
                CLUSTERS.rmdir()


def run(command: list[str]) -> int:
    """Run a command quietly and return its exit code."""
    done = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
    return done.returncode


def say(text: str) -> None:
    """Tell the person at the terminal what happens."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
