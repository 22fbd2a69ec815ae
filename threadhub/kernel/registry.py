"""Named stores that are filled while ThreadHub starts and only read afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

ValueT = TypeVar("ValueT")


class Registry(Generic[ValueT]):
    """A mapping in which every name is written once."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._values: dict[str, ValueT] = {}

    def add(self, name: str, value: ValueT) -> None:
        """Register a value. Raises ValueError for a name that is taken by another value."""
        if self._values.setdefault(name, value) is not value:
            raise ValueError(f"{self._what} {name!r} is registered twice.")

    def get(self, name: str) -> ValueT:
        """Return the value. Raises KeyError naming what is missing."""
        if name not in self._values:
            raise KeyError(f"{self._what} {name!r} is not registered.")
        return self._values[name]

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)
