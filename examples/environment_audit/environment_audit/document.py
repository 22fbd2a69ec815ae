"""The audit as a Markdown document, and its place among the published reports."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from environment_audit.checks import megabytes
from environment_audit.kinds import AnalysisState, Finding, Package, ReportState, Severity

# A report is part of the state, which is stored after every step.
MAX_ROWS = 500
LARGEST = 10


def summary(state: AnalysisState | ReportState) -> dict[str, int]:
    """Return the number of packages, and of findings of each severity."""
    counts = Counter(finding.severity for finding in state.get("findings", []))
    found = {severity.value: counts[severity] for severity in Severity}
    return {"packages": len(state.get("packages", [])), **found}


def markdown(state: ReportState, *, made_at: str) -> str:
    """Return the whole report."""
    packages = sorted(state.get("packages", []), key=lambda package: package.name)
    machine = state["machine"]
    parts = [
        f"# {_cell(state.get('title') or 'Environment audit')}",
        f"{machine.implementation} {machine.python} on {machine.system}, {made_at}.",
        _summary(state, packages),
        _findings(state.get("findings", [])),
        _licenses(packages),
        _largest(packages),
        _all(packages),
    ]
    return "\n\n".join(parts) + "\n"


def publish(text: str, *, name: str) -> Path:
    """Write a report where reports are kept and return its path.

    Writing the same name again replaces the file in one step, so a repeated call is harmless.
    """
    folder = Path(os.environ.get("THREADHUB_VAR") or "var") / "reports"
    folder.mkdir(parents=True, exist_ok=True)
    target = (folder / f"{file_name(name)}.md").resolve()
    handle, draft = tempfile.mkstemp(dir=folder, prefix=".", suffix=".md")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    finally:
        Path(draft).unlink(missing_ok=True)
    return target


def file_name(name: str) -> str:
    """Return a name that is safe as a file name and still different for different names."""
    safe = re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80]
    if safe == name:
        return safe
    mark = hashlib.blake2b(name.encode(errors="replace"), digest_size=4).hexdigest()
    return f"{safe or 'report'}-{mark}"


def _summary(state: ReportState, packages: Sequence[Package]) -> str:
    counts = summary(state)
    total = sum(package.size or 0 for package in packages)
    rows = [(severity.value, counts[severity.value]) for severity in Severity]
    return "\n\n".join(
        [
            "## Summary",
            f"{counts['packages']} packages take {megabytes(total)}; "
            f"{sum(count for _, count in rows)} findings.",
            _table(("Severity", "Findings"), rows),
        ]
    )


def _findings(findings: Sequence[Finding]) -> str:
    order = list(Severity)
    ranked = sorted(findings, key=lambda item: (order.index(item.severity), item.package))
    rows = [(item.severity.value, item.package, item.check, item.message) for item in ranked]
    if not rows:
        return "## Findings\n\nNothing to report."
    return f"## Findings\n\n{_table(('Severity', 'Package', 'Check', 'Finding'), rows)}"


def _licenses(packages: Sequence[Package]) -> str:
    counts = Counter((item.license_kind, item.license or "not stated") for item in packages)
    rows = [(kind, name, count) for (kind, name), count in sorted(counts.items())]
    return f"## Licenses\n\n{_table(('Kind', 'License', 'Packages'), rows)}"


def _largest(packages: Sequence[Package]) -> str:
    ranked = sorted(packages, key=lambda item: item.size or 0, reverse=True)[:LARGEST]
    rows = [(item.name, item.version, megabytes(item.size)) for item in ranked]
    return f"## Largest packages\n\n{_table(('Package', 'Version', 'Size'), rows)}"


def _all(packages: Sequence[Package]) -> str:
    rows = [
        (item.name, item.version, item.license or "not stated", len(item.requires), item.depth)
        for item in packages
    ]
    head = ("Package", "Version", "License", "Requires", "Depth")
    return f"## All packages\n\n{_table(head, rows)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    every = list(rows)
    lines = [_row(head), _row(["---"] * len(head)), *(_row(row) for row in every[:MAX_ROWS])]
    if len(every) > MAX_ROWS:
        lines.append(f"\nThe other {len(every) - MAX_ROWS} are left out.")
    return "\n".join(lines)


def _row(cells: Iterable[object]) -> str:
    return f"| {' | '.join(_cell(cell) for cell in cells)} |"


def _cell(value: object) -> str:
    """Return a text that cannot leave its cell: metadata is written by strangers."""
    text = re.sub(r"\s+", " ", str(value))
    return re.sub(r"([\\|`<>\[\]])", r"\\\1", text)
