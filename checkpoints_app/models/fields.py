"""Column types of the store: ids as bytes, and arrays that SQLite keeps packed."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models

from .ids import pack_id, unpack_id

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

HASH_BYTES = 16


class IdField(models.BinaryField):
    """A text id of any form, kept as bytes: 16 when it is a UUID."""

    def from_db_value(self, value: Any, *_: Any) -> str | None:
        """Return the id as text."""
        return None if value is None else unpack_id(value)

    def get_db_prep_value(
        self,
        value: Any,
        connection: BaseDatabaseWrapper,
        prepared: bool = False,  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:
        """Return the bytes to store or to compare with."""
        if isinstance(value, str):
            value = pack_id(value)
        return super().get_db_prep_value(value, connection, prepared)

    def value_to_string(self, obj: models.Model) -> str:
        """Return the id as text, as fixtures hold it."""
        return str(self.value_from_object(obj) or "")

    def to_python(self, value: Any) -> Any:
        """Return the id as text."""
        return value


def pack_numbers(code: str, values: list[int]) -> bytes:
    """Return integers as little-endian bytes; `code` is a struct letter."""
    return struct.pack(f"<{len(values)}{code}", *values)


def unpack_numbers(code: str, raw: bytes) -> list[int]:
    """Return the integers of `pack_numbers`."""
    return list(struct.unpack(f"<{len(raw) // struct.calcsize('<' + code)}{code}", raw))


def split_hashes(raw: bytes) -> list[bytes]:
    """Return the 16-byte hashes that stand one after the other in a value."""
    return [raw[start : start + HASH_BYTES] for start in range(0, len(raw), HASH_BYTES)]


class _PackedArray(models.Field):
    """An array column on PostgreSQL, one packed value on SQLite."""

    element: ClassVar[str]

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """Return the column type of this database."""
        return f"{self.element}[]" if connection.vendor == "postgresql" else "BLOB"

    def pack(self, values: list[Any]) -> bytes:
        """Return the packed form of the values."""
        raise NotImplementedError

    def unpack(self, raw: bytes) -> list[Any]:
        """Return the values of a packed form."""
        raise NotImplementedError

    def from_db_value(self, value: Any, *_: Any) -> list[Any] | None:
        """Return the values as a list."""
        if value is None or isinstance(value, list):
            return value
        return self.unpack(bytes(value))

    def get_db_prep_value(
        self,
        value: Any,
        connection: BaseDatabaseWrapper,
        prepared: bool = False,  # noqa: FBT001, FBT002  # Django's signature
    ) -> Any:
        """Return the array, or its packed form."""
        if value is None or connection.vendor == "postgresql":
            return value
        return self.pack(list(value))


class HashArray(_PackedArray):
    """A list of 16-byte hashes."""

    element = "bytea"

    def pack(self, values: list[Any]) -> bytes:
        """Return the hashes joined."""
        return b"".join(values)

    def unpack(self, raw: bytes) -> list[Any]:
        """Return the hashes apart."""
        return split_hashes(raw)


class BigIntArray(_PackedArray):
    """A list of 64-bit integers."""

    element = "bigint"
    code = "q"

    def pack(self, values: list[Any]) -> bytes:
        """Return the integers joined."""
        return pack_numbers(self.code, values)

    def unpack(self, raw: bytes) -> list[Any]:
        """Return the integers apart."""
        return unpack_numbers(self.code, raw)


class IntArray(BigIntArray):
    """A list of 32-bit integers."""

    element = "integer"
    code = "i"
