"""Namespaces and keys of items as bytes: any text, the same order on every database."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

_END = b"\x00"
_AFTER_END = b"\x01"


def pack_text(text: str) -> bytes:
    """Return a text as bytes; lone surrogates survive, and the order is that of the texts."""
    return text.encode("utf-8", "surrogatepass")


def unpack_text(raw: bytes | memoryview) -> str:
    """Return the text of `pack_text`."""
    return bytes(raw).decode("utf-8", "surrogatepass")


def pack_namespace(labels: Sequence[str]) -> bytes:
    """Return a namespace as bytes: each label is ended by NUL, which no label may hold.

    So what is below a namespace begins with its bytes, and ("a",) is not above ("ab",).
    The order is that of the tuples.
    """
    return b"".join(pack_text(label) + _END for label in labels)


def unpack_namespace(raw: bytes | memoryview) -> tuple[str, ...]:
    """Return the labels of a packed namespace."""
    return tuple(unpack_text(label) for label in bytes(raw).split(_END)[:-1])


def after_namespace(packed: bytes) -> bytes:
    """Return the first bytes that are not below a packed namespace, which is not empty."""
    return packed[:-1] + _AFTER_END


class KeyField(models.BinaryField):
    """A text kept as bytes."""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """Return the text."""
        return None if value is None else unpack_text(value)

    def get_db_prep_value(
        self,
        value: Any,
        connection: BaseDatabaseWrapper,
        prepared: bool = False,  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:
        """Return the bytes to store or to compare with."""
        if isinstance(value, str):
            value = pack_text(value)
        return super().get_db_prep_value(value, connection, prepared)

    def to_python(self, value: Any) -> Any:
        """Return the value as it is."""
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Return the text, as fixtures hold it."""
        return str(self.value_from_object(obj))


class NamespaceField(models.BinaryField):
    """A tuple of labels kept as bytes."""

    def from_db_value(self, value: Any, *_: Any) -> Any:
        """Return the labels."""
        return None if value is None else unpack_namespace(value)

    def get_db_prep_value(
        self,
        value: Any,
        connection: BaseDatabaseWrapper,
        prepared: bool = False,  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:
        """Return the bytes to store or to compare with."""
        if isinstance(value, tuple | list):
            value = pack_namespace(value)
        return super().get_db_prep_value(value, connection, prepared)

    def to_python(self, value: Any) -> Any:
        """Return the value as it is."""
        return value

    def value_to_string(self, obj: models.Model) -> str:
        """Return the labels joined by periods, which none of them holds, as fixtures do."""
        labels: Any = self.value_from_object(obj)
        return ".".join(labels)
