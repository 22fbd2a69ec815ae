"""The types that travel through the graphs' state."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal

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
    """What the inventory keeps of one installed distribution."""

    name: str
    version: str
    license: str
    license_kind: str
    size: int | None
    requires: tuple[str, ...] = ()
    depth: int = 0

    @classmethod
    def of(cls, item: Package | dict[str, Any]) -> Package:
        """Return the package that plain data describes."""
        if isinstance(item, cls):
            return item
        return cls(**{**item, "requires": tuple(item.get("requires", ()))})


@dataclass(frozen=True)
class Machine:
    """The interpreter the inventory ran in."""

    python: str
    implementation: str
    system: str
    packages: int

    @classmethod
    def of(cls, item: Machine | dict[str, Any]) -> Machine:
        """Return the machine that plain data describes."""
        return item if isinstance(item, cls) else cls(**item)


class Decision(BaseModel):
    """The answer to the question whether a report may be published."""

    action: Literal["approve", "reject"] = Field(description="Publish the report, or not.")
    reason: str = Field(default="", max_length=2_000, description="Why; kept with the report.")


class InventoryInput(TypedDict, total=False):
    """What an inventory may be given; an empty input lists everything."""

    only: Annotated[list[str], Field(description="Names of the packages to look at.")]
    batch_size: Annotated[int, Field(ge=1, le=200, description="Packages read at a time.")]


class InventoryOutput(TypedDict, total=False):
    """What an inventory hands over."""

    machine: Machine
    packages: Annotated[list[Package], operator.add]


class InventoryState(InventoryInput, InventoryOutput, total=False):
    """Everything an inventory knows."""

    names: list[str]


class Names(TypedDict):
    """The packages one step reads, and where they stand among all."""

    names: list[str]
    first: int
    total: int


class Inventory(TypedDict, total=False):
    """What the analysis and the report know of the machine."""

    machine: Machine
    packages: list[Package]


class AnalysisInput(Inventory, total=False):
    """The inventory to check."""

    batch_size: Annotated[int, Field(ge=1, le=200, description="Packages checked at a time.")]


class BatchResult(TypedDict, total=False):
    """What a batch hands to the analysis."""

    findings: Annotated[list[Finding], operator.add]


class Batch(BatchResult, total=False):
    """The packages one subgraph checks, and where they stand among all."""

    packages: list[Package]
    first: int
    total: int


class AnalysisOutput(TypedDict, total=False):
    """The number of packages, and of findings of each severity."""

    summary: dict[str, int]


class AnalysisState(AnalysisInput, BatchResult, AnalysisOutput, total=False):
    """Everything an analysis knows."""


class ReportInput(TypedDict, total=False):
    """What a report may be given."""

    title: Annotated[str, Field(description="The heading of the report.")]


class ReportState(ReportInput, Inventory, total=False):
    """Everything a report knows."""

    findings: list[Finding]
    report: str
    decision: Decision | None
    published: str | None
