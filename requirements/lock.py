"""Resolve requirements/app.txt and dev.txt from pyproject.toml: pins and hashes, no addresses.

Versions that still fit are kept; UPGRADE=1 takes the newest. The resolver (uv) lives in an
environment of its own under var/, so neither people nor tests depend on it.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / "var" / "lock-venv"
RESOLVE = (
    "pip",
    "compile",
    "pyproject.toml",
    "--quiet",
    "--universal",
    "--python-version=3.11",
    "--generate-hashes",
    "--no-emit-index-url",
    "--no-emit-find-links",
    "--no-annotate",
    "--no-header",
)


def main() -> int:
    """Write both lock files; the development one keeps every pin of the other."""
    try:
        uv = resolver()
        upgrade = ["--upgrade"] if os.environ.get("UPGRADE") else []
        resolve(uv, "app.txt", upgrade)
        resolve(uv, "dev.txt", [*upgrade, "--group=dev", "--constraint=requirements/app.txt"])
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"The lock files were not changed: {error.cmd[0]} failed.\n")
        return 2
    return 0


def resolver() -> Path:
    """Return uv, installed on first use."""
    uv = HOME / "bin" / "uv"
    if not uv.exists():
        venv.create(HOME, clear=True, with_pip=True)
        subprocess.run([HOME / "bin" / "python", "-m", "pip", "install", "-q", "uv"], check=True)
    return uv


def resolve(uv: Path, name: str, extra: list[str]) -> None:
    """Resolve into a draft beside the lock file and put it in place when it is clean."""
    target = ROOT / "requirements" / name
    draft = HOME / name
    if target.exists():
        draft.write_bytes(target.read_bytes())
    command = [str(uv), *RESOLVE, *extra, f"--output-file={draft}"]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    text = draft.read_text(encoding="utf-8")
    if "://" in text:
        raise subprocess.CalledProcessError(1, ["an address in the outcome:", name])
    target.write_text(text, encoding="utf-8")
    sys.stderr.write(f"requirements/{name}: {len(re.findall(r'^[^ ]', text, re.MULTILINE))} pins\n")


if __name__ == "__main__":
    sys.exit(main())
