"""Types that must come back from a checkpoint as what they were."""

from __future__ import annotations

import dataclasses
import enum

from pydantic import BaseModel


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Card(BaseModel):
    title: str
    color: Color = Color.RED
