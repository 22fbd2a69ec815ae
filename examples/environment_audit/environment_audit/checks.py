"""What the analysis looks for: first in each package alone, then between the packages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import metadata

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from environment_audit import environment, licenses
from environment_audit.kinds import Finding, Package, Severity

LARGE_BYTES = 25_000_000
DEEP = 6

_EXPECTED = ("Version", "Summary", "Requires-Python")
_LICENSE_SEVERITY = {
    licenses.STRONG: Severity.MEDIUM,
    licenses.UNKNOWN: Severity.MEDIUM,
    licenses.WEAK: Severity.LOW,
}


def read(name: str, distribution: metadata.Distribution) -> Package:
    """Return what the inventory keeps of a distribution."""
    expression, kind = licenses.license_of(distribution)
    needs = {canonicalize_name(item.name) for item in environment.requirements(distribution)}
    return Package(
        name=name,
        version=environment.version(distribution),
        license=expression,
        license_kind=kind,
        size=environment.size(distribution),
        requires=tuple(sorted(needs)),
    )


def license_findings(package: Package) -> list[Finding]:
    """Return a finding for a license that a company may want to look at."""
    severity = _LICENSE_SEVERITY.get(package.license_kind)
    if severity is None:
        return []
    if package.license_kind == licenses.UNKNOWN:
        message = f"License not recognized: {package.license or 'none is stated'}."
    else:
        message = f"{package.license} is {package.license_kind}."
    return [_finding(package, "license", severity, message)]


def metadata_findings(package: Package, distribution: metadata.Distribution) -> list[Finding]:
    """Return a finding for metadata that tools rely on and that is not there."""
    missing = [name for name in _EXPECTED if not environment.field(distribution, name)]
    found = []
    if missing:
        severity = Severity.HIGH if "Version" in missing else Severity.LOW
        message = f"The metadata does not state {', '.join(missing)}."
        found.append(_finding(package, "metadata", severity, message))
    if package.size is None:
        message = "There is no RECORD of its files: it cannot be checked or removed cleanly."
        found.append(_finding(package, "metadata", Severity.LOW, message))
    return found


def size_findings(package: Package) -> list[Finding]:
    """Return a finding for a package that takes much room."""
    if (package.size or 0) < LARGE_BYTES:
        return []
    message = f"Its files take {megabytes(package.size)}."
    return [_finding(package, "size", Severity.INFO, message)]


def requirement_findings(
    packages: Iterable[Package], distributions: Mapping[str, metadata.Distribution]
) -> list[Finding]:
    """Return a finding for each requirement that what is installed does not meet."""
    return [
        _finding(package, "requirements", Severity.HIGH, message)
        for package in packages
        if package.name in distributions
        for message in _unmet(distributions[package.name], distributions)
    ]


def depth_findings(packages: Iterable[Package]) -> list[Finding]:
    """Return a finding for each package that stands on a long chain of others."""
    return [
        _finding(package, "depth", Severity.INFO, f"Stands on a chain of {package.depth} packages.")
        for package in packages
        if package.depth >= DEEP
    ]


def copy_findings(copies: Mapping[str, int], names: Iterable[str]) -> list[Finding]:
    """Return a finding for each package that is installed more than once."""
    wanted = set(names)
    return [
        Finding(
            package=name,
            check="copies",
            severity=Severity.MEDIUM,
            message=f"Installed {count} times: which one is imported depends on the path.",
        )
        for name, count in copies.items()
        if name in wanted
    ]


def megabytes(size: int | None) -> str:
    """Return a size for people."""
    return "unknown" if size is None else f"{size / 1_000_000:,.1f} MB"


def _unmet(
    distribution: metadata.Distribution, distributions: Mapping[str, metadata.Distribution]
) -> list[str]:
    messages = []
    for requirement in environment.requirements(distribution):
        other = distributions.get(canonicalize_name(requirement.name))
        if other is None:
            messages.append(f"Needs {requirement.name}, which is not installed.")
        elif not _fits(environment.version(other), requirement.specifier):
            needs = f"{requirement.name}{requirement.specifier}"
            messages.append(f"Needs {needs}, but {environment.version(other)} is installed.")
    return messages


def _fits(version: str, specifier: object) -> bool:
    try:
        return specifier.contains(Version(version), prereleases=True)  # type: ignore[attr-defined,no-any-return]
    except InvalidVersion:
        return False


def _finding(package: Package, check: str, severity: Severity, message: str) -> Finding:
    return Finding(package=package.name, check=check, severity=severity, message=message)
