"""The types that travel through the graphs' state."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Literal

from pydantic import BaseModel, Field
from typing_extensions import TypedDict


class Severity(Enum):
    """How much a finding matters, the worst first."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    INFO = "info"


class Finding(BaseModel):
    """One thing a person may want to act on."""

    package: str
    check: str
    severity: Severity
    message: str


@dataclass(frozen=True)
class Package:
    """What the audit keeps of one installed distribution."""

    name: str
    version: str
    license: str
    license_kind: str
    size: int | None
    requires: tuple[str, ...] = ()
    depth: int = 0


@dataclass(frozen=True)
class Machine:
    """The interpreter the audit ran in."""

    python: str
    implementation: str
    system: str
    packages: int


class Decision(BaseModel):
    """The answer to the question whether a report may be published."""

    action: Literal["approve", "reject"] = Field(description="Publish the report, or not.")
    reason: str = Field(default="", max_length=2_000, description="Why; kept with the report.")


class AuditInput(TypedDict, total=False):
    """What a run may be given; an empty input audits everything."""

    title: Annotated[str, Field(description="The heading of the report.")]
    only: Annotated[list[str], Field(description="Names of the packages to look at.")]
    batch_size: Annotated[int, Field(ge=1, le=200, description="Packages checked at a time.")]


class Batch(TypedDict, total=False):
    """The packages one subgraph checks, and where they stand among all."""

    names: list[str]
    first: int
    total: int
    packages: Annotated[list[Package], operator.add]
    findings: Annotated[list[Finding], operator.add]


class BatchResult(TypedDict, total=False):
    """What a batch hands to the audit."""

    packages: Annotated[list[Package], operator.add]
    findings: Annotated[list[Finding], operator.add]


class AuditState(AuditInput, BatchResult, total=False):
    """Everything an audit knows."""

    machine: Machine
    names: list[str]
    report: str
    decision: Decision | None
    published: str | None
