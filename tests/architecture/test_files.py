"""Files have a place, a name that says what they hold, and a size that can be read."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

from architecture.source_tree import ROOT, everything, product

TOP_LEVEL = {
    ".ci",
    ".git",
    ".gitignore",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "benchmarks",
    "checkpoints_app",
    "docs",
    "examples",
    "manage.py",
    "pyproject.toml",
    "requirements",
    "sessions_app",
    "static",
    "templates",
    "tests",
    "threadhub",
    "threads_app",
}
NAMELESS = {"utils", "helpers", "signals", "misc", "common", "handlers", "managers", "base_views"}
FILE_LINES = 400
FUNCTION_LINES = 40
INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=|\son[a-z]+\s*=|javascript:", re.IGNORECASE
)
INLINE_ALLOWED = 'type="application/json"'


def test_the_top_of_the_repository_holds_only_what_is_planned() -> None:
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    patterns = [pattern.strip("/") for pattern in ignored]
    entries = {path.name for path in ROOT.iterdir()}
    tracked = {name for name in entries if not any(fnmatch(name, each) for each in patterns)}

    assert tracked <= TOP_LEVEL


def test_no_module_is_a_drawer_without_a_name() -> None:
    nameless = [source.name for source in everything() if Path(source.name).stem in NAMELESS]

    assert nameless == []


def test_tests_are_no_packages_which_would_hide_the_packages_they_test() -> None:
    assert list((ROOT / "tests").rglob("__init__.py")) == []


def test_files_stay_below_the_wall() -> None:
    long = {
        source.name: lines
        for source in everything()
        if (lines := source.text.count("\n")) > FILE_LINES
    }

    assert long == {}


def test_functions_stay_below_the_wall() -> None:
    long = {
        f"{source.name}:{node.lineno} {node.name}": lines
        for source in everything()
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    }

    assert long == {}


def test_every_module_postpones_annotations() -> None:
    missing = [
        source.name
        for source in product()
        if source.text.strip() and "from __future__ import annotations" not in source.text
        if Path(source.name).name != "__init__.py"
    ]

    assert missing == []


def test_templates_hold_no_inline_script_style_or_handler() -> None:
    folders = [ROOT / "templates", *ROOT.glob("*/templates")]
    templates = [path for folder in folders for path in folder.rglob("*.html")]
    found = {
        f"{path.relative_to(ROOT)}: {match.group(0).strip()}"
        for path in templates
        for match in INLINE.finditer(path.read_text(encoding="utf-8"))
        if INLINE_ALLOWED not in match.group(0)
    }

    assert found == set()


def test_lock_files_hold_names_versions_and_hashes_only() -> None:
    pattern = re.compile(r"([\w.-]+==[^\s;\\]+( ; [^\\]+)?|    --hash=sha256:[0-9a-f]{64})( \\)?$")
    strangers = [
        line
        for name in ("app", "dev")
        for line in (ROOT / f"requirements/{name}.txt").read_text(encoding="utf-8").splitlines()
        if not pattern.match(line)
    ]

    assert strangers == []


def test_development_uses_the_packages_people_get() -> None:
    app, dev = (
        {line.rstrip(" \\") for line in (ROOT / f"requirements/{name}.txt").open() if "==" in line}
        for name in ("app", "dev")
    )

    assert app <= dev
